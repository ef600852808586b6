//! The table of apps: 102 Kustomizations, and what each of them applies.

mod home;
mod media;
mod system;

use crate::app::{App, Backup, Controller};

const EVERY_SIX_HOURS: &str = "0 */6 * * *";

/// Every app of the cluster, one per Kustomization.
#[must_use]
pub fn apps() -> Vec<App> {
    [system::apps(), media::apps(), home::apps()].concat()
}

/// An app without a HelmRelease.
fn config(namespace: &'static str, name: &'static str) -> App {
    App {
        namespace,
        name,
        release: None,
        chart: ("", ""),
        image: "",
        port: 0,
        controller: Controller::Nothing,
        backup: None,
        scaled: None,
        depends_on: &[],
    }
}

/// An app by a chart of its own project.
fn chart(
    namespace: &'static str,
    name: &'static str,
    chart: (&'static str, &'static str),
    image: &'static str,
    port: i64,
) -> App {
    let controller = Controller::Deployments(&[]);
    App {
        release: Some(name),
        chart,
        image,
        port,
        controller,
        ..config(namespace, name)
    }
}

/// An app by bjw-s' app-template.
fn template(namespace: &'static str, name: &'static str, image: &'static str, port: i64) -> App {
    chart(namespace, name, ("app-template", "4.5.0"), image, port)
}

impl App {
    fn released_as(self, release: &'static str) -> Self {
        Self {
            release: Some(release),
            ..self
        }
    }

    fn run_by(self, controller: Controller) -> Self {
        Self { controller, ..self }
    }

    fn backed_up(self, capacity: &'static str, cache: &'static str) -> Self {
        self.backed_up_to("", EVERY_SIX_HOURS, capacity, cache)
    }

    fn backed_up_to(
        self,
        suffix: &'static str,
        schedule: &'static str,
        capacity: &'static str,
        cache: &'static str,
    ) -> Self {
        let backup = Backup {
            capacity,
            cache,
            suffix,
            schedule,
            user: 1000,
            group: 100,
        };
        let depends_on = &["rook-ceph/rook-ceph-cluster", "volsync-system/volsync"];
        Self {
            backup: Some(backup),
            depends_on,
            ..self
        }
    }

    fn scaled(self) -> Self {
        Self {
            scaled: Some(self.name),
            ..self
        }
    }

    fn scaled_at(self, deployment: &'static str) -> Self {
        Self {
            scaled: Some(deployment),
            ..self
        }
    }

    fn after(self, depends_on: &'static [&'static str]) -> Self {
        Self { depends_on, ..self }
    }

    /// The Deployments with their replica counts: one named like the release where the table names none.
    pub(crate) fn deployments(&self) -> Vec<(&'static str, i64)> {
        match self.controller {
            Controller::Deployments([]) => self.release.map(|name| (name, 1)).into_iter().collect(),
            Controller::Deployments(list) => list.to_vec(),
            _ => Vec::new(),
        }
    }
}
