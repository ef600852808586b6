//! How a run ended, for a person: its result, or why there is none and what was put back.

use agent_core::call::Goal;
use agent_core::failure::{NOT_COMPENSATED, OVERWRITTEN};
use agent_core::hint;
use agent_core::{Outcome, Risk, UndoReport, exit};
use serde_json::Value;

use super::Human;
use crate::clean;
use crate::ink::Tone;
use crate::options::Output;
use crate::render::time::felt;
use crate::render::words::changes;
use crate::render::{plan, value, yaml};
use crate::report;
use crate::terminal::Terminal;

impl Human {
    pub(super) fn finish(&mut self, outcome: &Outcome, terminal: &mut Terminal) {
        self.steps.forget();
        self.steps.clear();
        match outcome {
            Outcome::Failed {
                failure,
                put_back,
                held,
            } => {
                report::error(failure, &mut terminal.stderr);
                report::put_back(put_back, &mut terminal.stderr);
                // Who has just said no needs no remedy, and who was told one needs no other.
                let told = failure.code == "run.holds-lost";
                if outcome.exit_code() != exit::DECLINED && !told {
                    self.still_held(*held, put_back, terminal);
                }
            }
            Outcome::Done {
                value,
                failed,
                not_put_back,
                ..
            } => {
                self.result(value, *failed, terminal);
                self.shortcomings(value, *failed, not_put_back, terminal);
                self.still_held(0, not_put_back, terminal);
            }
            Outcome::Undone {
                put_back,
                irreversible,
            } => {
                match self.output {
                    Output::Yaml => yaml::document(outcome, &mut terminal.stdout),
                    _ => self.undone(put_back, irreversible, terminal),
                }
                self.still_held(0, put_back, terminal);
            }
        }
        let took = self
            .started
            .map_or_else(String::new, |started| felt(started.elapsed()));
        let worth_saying =
            self.risk != Risk::Read && !self.quiet && !self.planning && !took.is_empty();
        if worth_saying && outcome.exit_code() == exit::DONE {
            let line = terminal
                .stderr
                .ink
                .paint(Tone::Faint, format!("done in {took}"));
            terminal.stderr.line(line);
        }
    }

    /// Says what there is to do about changes that stay although nobody means them to.
    fn still_held(&self, kept: u64, tried: &[UndoReport], terminal: &mut Terminal) {
        let failed = |one: &&UndoReport| {
            one.failure
                .as_ref()
                .is_some_and(|why| why.code != OVERWRITTEN)
        };
        let stuck = tried.iter().filter(failed).count();
        let held = kept.saturating_add(u64::try_from(stuck).unwrap_or(u64::MAX));
        let (Some(run), false) = (&self.run, held == 0 || self.passing) else {
            return;
        };
        if let (true, Some(Goal::Undo)) = (self.gives_up, self.to) {
            let was = if held == 1 {
                "was left as it is"
            } else {
                "were left as they are"
            };
            let line = format!("{} {was}; run {run} holds nothing any more", changes(held));
            let line = terminal.stderr.ink.paint(Tone::Warn, line);
            terminal.stderr.line(line);
            return report::hint(&hint!("agent runs show {}", run), &mut terminal.stderr);
        }
        let line = format!("run {run} still holds {}", changes(held));
        let line = terminal.stderr.ink.paint(Tone::Warn, line);
        terminal.stderr.line(line);
        let remedy = match self.to {
            Some(Goal::Finish) => hint!("agent resume {}, or agent undo {}", run, run),
            Some(Goal::Undo) => {
                hint!(
                    "agent undo {} tries again, and with --give-up leaves it as it is",
                    run
                )
            }
            _ => hint!("agent undo {}", run),
        };
        // Where trying again does not help, what does is said.
        let lost = tried.iter().filter_map(|one| one.failure.as_ref());
        let mut lost = lost.filter(|why| why.code == NOT_COMPENSATED);
        let by_hand = lost.find_map(|why| why.hint.clone());
        report::hint(&by_hand.unwrap_or(remedy), &mut terminal.stderr);
    }

    fn result(&self, result: &Value, failed: u64, terminal: &mut Terminal) {
        let planned = self.planning && !(self.plan.is_empty() && self.risk == Risk::Read);
        match (self.output, planned, &self.operation) {
            (Output::Yaml, true, _) => yaml::document(&self.plan, &mut terminal.stdout),
            (Output::Yaml, false, _) => yaml::document(result, &mut terminal.stdout),
            (_, true, operation) => {
                // Who failed to be planned is in the rows of the result.
                if failed > 0 {
                    value::write(result, &self.columns, terminal);
                    terminal.stdout.line("");
                }
                let (plan, open) = plan::left_open(&self.plan, &self.open);
                plan::write(&plan, operation.as_ref(), self.verbose, terminal);
                if !self.quiet {
                    plan::sum(&plan, open, self.verbose, &mut terminal.stderr);
                }
            }
            (_, false, _) => value::write(result, &self.columns, terminal),
        }
    }

    fn shortcomings(
        &self,
        result: &Value,
        failed: u64,
        not_put_back: &[UndoReport],
        terminal: &mut Terminal,
    ) {
        let to = &mut terminal.stderr;
        if failed > 0 {
            let line = match value::rows(result) {
                Some(rows) => format!("{failed} of {} failed", rows.len()),
                None => format!("{failed} failed"),
            };
            let line = to.ink.paint(Tone::Bad, line);
            to.line(line);
        }
        if !not_put_back.is_empty() {
            report::warning(
                "the operation is done, but not everything it held is as before",
                to,
            );
            report::not_put_back(&not_put_back.iter().collect::<Vec<_>>(), to);
        }
    }

    /// Writes what came of taking a run back.
    fn undone(&self, put_back: &[UndoReport], irreversible: &[String], terminal: &mut Terminal) {
        if put_back.is_empty() && irreversible.is_empty() {
            terminal.stderr.line("nothing is left to do");
            return;
        }
        report::put_back(put_back, &mut terminal.stdout);
        let sentences: Vec<String> = irreversible
            .iter()
            .map(|sentence| clean::line(sentence))
            .collect();
        if !sentences.is_empty() {
            let heading = terminal.stdout.ink.paint(Tone::Warn, "Cannot be put back:");
            terminal.stdout.line(heading);
        }
        for sentence in sentences {
            terminal.stdout.line(format_args!("  {sentence}"));
        }
    }
}
