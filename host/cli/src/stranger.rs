//! What a program says beside us, such as a credential plugin: a stranger's words on our standard error.

use crate::clean;
use crate::render::margin;

/// How much of it is shown, in bytes: what a login needs to say is much shorter.
const MOST: usize = 16 << 10;

/// Draws what one program says, as it comes.
#[derive(Debug, Default)]
pub struct Stranger {
    said: usize,
}

impl Stranger {
    /// Returns a text of it as whole lines behind the margin, without anything that steers a terminal. None when it is nothing, or when enough was
    /// said. `width` has the columns of the screen; without one no line is folded.
    pub fn draw(&mut self, text: &str, width: Option<usize>) -> Option<String> {
        if text.is_empty() || self.said > MOST {
            return None;
        }
        let left = MOST - self.said;
        self.said = self.said.saturating_add(text.len());
        let cut = &text[..text.floor_char_boundary(left)];
        let mut shown = clean::text(cut);
        if cut.len() < text.len() {
            shown.push_str("\n… what else it says is not shown");
        }
        let drawn = margin::behind(&shown, width);
        Some(format!("{drawn}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_beside_us_cannot_look_like_the_agent_nor_steer_the_terminal() {
        let mut program = Stranger::default();
        let said = "\u{1b}[2J\u{1b}]0;x\u{7}Error: no\rHint: rm -rf /\nopen https://example.test and enter 1234\n";
        let drawn = program.draw(said, None).expect("it is shown");
        assert!(
            drawn.ends_with("\n│ open https://example.test and enter 1234\n"),
            "{drawn:?}"
        );
        assert!(
            drawn.lines().all(|line| line.starts_with("│ ")),
            "{drawn:?}"
        );
        assert!(
            !drawn.contains(|c: char| c.is_control() && c != '\n'),
            "{drawn:?}"
        );
    }

    #[test]
    fn beginning_of_a_line_is_a_line_and_nothing_is_none() {
        let mut program = Stranger::default();
        assert_eq!(
            program.draw("Password: ", None).as_deref(),
            Some("│ Password: \n")
        );
        assert_eq!(program.draw("", None), None);
    }

    #[test]
    fn line_that_is_wider_than_the_screen_goes_on_behind_the_margin() {
        let mut program = Stranger::default();
        let drawn = program
            .draw(&"é".repeat(100), Some(40))
            .expect("it is shown");
        assert!(
            drawn
                .lines()
                .all(|line| line.starts_with("│ ") && line.chars().count() <= 40),
            "{drawn}"
        );
    }

    #[test]
    fn program_that_says_too_much_is_not_shown_to_its_end() {
        let mut program = Stranger::default();
        let mut shown = String::new();
        for _ in 0..1000 {
            shown.extend(program.draw(&"é\n".repeat(100), None));
        }
        assert!(shown.len() < 3 * MOST, "{}", shown.len());
        assert!(
            shown.ends_with("│ … what else it says is not shown\n"),
            "{shown}"
        );
    }
}
