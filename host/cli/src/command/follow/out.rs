//! The file that a plan goes to.

use std::path::PathBuf;

use agent_core::hint;
use agent_core::plan::Plan;
use agent_core::{Event, Failure, Kind};

use crate::clean;
use crate::options::Options;
use crate::report;
use crate::terminal::Terminal;

/// A plan on its way to a file.
#[derive(Debug)]
pub(crate) struct Out {
    path: PathBuf,
    plan: Option<Box<Plan>>,
}

impl Out {
    pub(crate) fn new(path: PathBuf) -> Out {
        Out { path, plan: None }
    }

    /// Takes the plan from the events.
    pub(super) fn hear(&mut self, event: &Event) {
        if let Event::Drawn { plan } = event {
            self.plan = Some(plan.clone());
        }
    }

    /// Keeps the plan as a file that people can read, compare and keep in a repository.
    pub(super) fn keep(self, options: &Options, terminal: &mut Terminal) -> Result<(), Failure> {
        let plan = self
            .plan
            .ok_or_else(|| bug("the run ended without a plan"))?;
        let keep = terminal
            .keep
            .take()
            .ok_or_else(|| bug("the terminal came without a way to keep a file"))?;
        let text = serde_json::to_string_pretty(&plan)
            .map_err(|error| Failure::of(Kind::Internal, "agent.json", &error))?;
        keep(&format!("{text}\n"))?;
        if !options.quiet {
            let path = self.path.display().to_string();
            let kept = format!("the plan is in {}", clean::word(&path));
            terminal.stderr.line(kept);
            let remedy = match options.sandbox {
                // Its cluster ends with this process.
                true => "this plan is for a cluster that ends with this command; agent sandbox --write-kubeconfig FILE keeps one up to plan and apply on, with --kubeconfig FILE".into(),
                false => hint!("agent apply {}", hint::Path(&path)),
            };
            report::hint(&remedy, &mut terminal.stderr);
        }
        Ok(())
    }
}

fn bug(message: &str) -> Failure {
    Failure::new(Kind::Internal, "agent.plan", message)
}
