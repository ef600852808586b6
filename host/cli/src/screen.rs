//! The screen that live progress is drawn on. It may go away in the middle of a run (the terminal is closed, the connection drops), and
//! then drawing must fail silently: indicatif panics on an error, and would take the run with it before it has put anything back.

use std::io;

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

/// A screen of which it does not matter whether somebody still looks at it.
#[derive(Debug)]
struct Screen<T>(T);

/// Returns standard error as a place to draw on.
pub(crate) fn target() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(Screen(Term::buffered_stderr())), 20)
}

/// Nobody is there to be told.
fn regardless(_drawn: io::Result<()>) -> io::Result<()> {
    Ok(())
}

impl<T: TermLike> TermLike for Screen<T> {
    /// The terminal echoes `^C` behind what is drawn. On a line of its own it would keep the drawing from being found and cleared.
    fn width(&self) -> u16 {
        self.0.width().saturating_sub(2)
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        regardless(self.0.move_cursor_up(lines))
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        regardless(self.0.move_cursor_down(lines))
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        regardless(self.0.move_cursor_right(columns))
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        regardless(self.0.move_cursor_left(columns))
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        regardless(self.0.write_line(line))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        regardless(self.0.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        regardless(self.0.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        regardless(self.0.flush())
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{MultiProgress, ProgressBar};

    use super::*;

    /// A terminal whose other end was closed.
    #[derive(Debug)]
    struct Closed;

    impl TermLike for Closed {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn write_line(&self, _: &str) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn write_str(&self, _: &str) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn clear_line(&self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn drawing_on_a_closed_terminal_does_not_panic() {
        let screen = ProgressDrawTarget::term_like(Box::new(Screen(Closed)));
        let steps = MultiProgress::with_draw_target(screen);
        let step = steps.add(ProgressBar::new_spinner().with_message("Stop `media/plex`"));
        step.tick();
        steps.suspend(|| {});
        step.finish_and_clear();
        steps.clear().expect("nobody is told");
    }
}
