//! What was measured, as a table: ours, theirs, the ratio, the goal, and whether it is met.

use std::fmt;
use std::time::Duration;

/// An amount of something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    Time(Duration),
    Memory(u64),
}

impl Amount {
    fn number(self) -> f64 {
        match self {
            Amount::Time(time) => time.as_secs_f64(),
            #[expect(
                clippy::cast_precision_loss,
                reason = "no process has that much memory"
            )]
            Amount::Memory(bytes) => bytes as f64,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number();
        match self {
            Amount::Time(_) if number < 1e-3 => write!(f, "{:.2} µs", number * 1e6),
            Amount::Time(_) if number < 1.0 => write!(f, "{:.1} ms", number * 1e3),
            Amount::Time(_) => write!(f, "{number:.2} s"),
            Amount::Memory(_) => write!(f, "{:.1} MiB", number / f64::from(1 << 20)),
        }
    }
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// At most this part of theirs.
    Part(f64),
    /// At least this many times as fast.
    Faster(f64),
    /// At most this much more than theirs.
    Over(Amount),
    /// At most this.
    Most(Amount),
    /// Only to be known.
    Known,
}

impl Goal {
    fn is_met(self, ours: Amount, theirs: Option<Amount>) -> Option<bool> {
        let (ours, theirs) = (ours.number(), theirs.map(Amount::number));
        match self {
            Goal::Part(part) => Some(ours <= part * theirs?),
            Goal::Faster(times) => Some(ours * times <= theirs?),
            Goal::Over(more) => Some(ours - theirs? <= more.number()),
            Goal::Most(most) => Some(ours <= most.number()),
            Goal::Known => None,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::Part(part) => write!(f, "≤ {part}×"),
            Goal::Faster(times) => write!(f, "≥ {times}× faster"),
            Goal::Over(more) => write!(f, "≤ + {more}"),
            Goal::Most(most) => write!(f, "≤ {most}"),
            Goal::Known => Ok(()),
        }
    }
}

/// One comparison.
struct Row {
    figure: String,
    ours: Amount,
    against: Option<(String, Amount)>,
    goal: Goal,
}

impl Row {
    fn ratio(&self) -> String {
        let Some((_, theirs)) = &self.against else {
            return String::new();
        };
        let (ours, theirs) = (self.ours.number(), theirs.number());
        match self.goal {
            Goal::Faster(_) => format!("{:.1}× faster", theirs / ours),
            Goal::Over(_) => format!("+ {:.1} ms", (ours - theirs) * 1e3),
            _ => format!("{:.2}×", ours / theirs),
        }
    }

    fn cells(&self) -> [String; 7] {
        let theirs = self.against.as_ref();
        let met = self
            .goal
            .is_met(self.ours, theirs.map(|(_, amount)| *amount));
        [
            self.figure.clone(),
            self.ours.to_string(),
            theirs.map(|(who, _)| who.clone()).unwrap_or_default(),
            theirs
                .map(|(_, amount)| amount.to_string())
                .unwrap_or_default(),
            self.ratio(),
            self.goal.to_string(),
            met.map_or("", |met| if met { "yes" } else { "NO" })
                .to_owned(),
        ]
    }
}

/// All comparisons, in order.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// Adds a figure that has something to stand beside.
    pub(crate) fn compare(
        &mut self,
        figure: &str,
        ours: Amount,
        who: &str,
        theirs: Amount,
        goal: Goal,
    ) {
        self.add(figure, ours, Some((who.to_owned(), theirs)), goal);
    }

    /// Adds a figure that stands alone.
    pub(crate) fn tell(&mut self, figure: &str, ours: Amount, goal: Goal) {
        self.add(figure, ours, None, goal);
    }

    fn add(&mut self, figure: &str, ours: Amount, against: Option<(String, Amount)>, goal: Goal) {
        let row = Row {
            figure: figure.to_owned(),
            ours,
            against,
            goal,
        };
        eprintln!("  {}", row.cells().join(" | "));
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| figure | ours | against | theirs | ratio | goal | met |"
        )?;
        writeln!(f, "| --- | --- | --- | --- | --- | --- | --- |")?;
        for row in &self.0 {
            writeln!(f, "| {} |", row.cells().join(" | "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Amount {
        Amount::Time(Duration::from_millis(ms))
    }

    #[test]
    fn goals_are_met_up_to_their_edge() {
        assert_eq!(Goal::Part(0.5).is_met(ms(50), Some(ms(100))), Some(true));
        assert_eq!(Goal::Part(0.5).is_met(ms(51), Some(ms(100))), Some(false));
        assert_eq!(Goal::Faster(25.0).is_met(ms(4), Some(ms(100))), Some(true));
        assert_eq!(Goal::Faster(25.0).is_met(ms(5), Some(ms(100))), Some(false));
        assert_eq!(
            Goal::Over(ms(50)).is_met(ms(151), Some(ms(100))),
            Some(false)
        );
        assert_eq!(Goal::Most(ms(50)).is_met(ms(50), None), Some(true));
        assert_eq!(Goal::Known.is_met(ms(50), None), None);
    }

    #[test]
    fn amounts_are_shown_in_the_unit_that_fits() {
        assert_eq!(
            Amount::Time(Duration::from_nanos(1_500)).to_string(),
            "1.50 µs"
        );
        assert_eq!(ms(12).to_string(), "12.0 ms");
        assert_eq!(ms(1_234).to_string(), "1.23 s");
        assert_eq!(Amount::Memory(3 << 20).to_string(), "3.0 MiB");
    }
}
