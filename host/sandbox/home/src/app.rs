//! One app of the cluster: a row of the table, from which all its objects are made.

/// What runs an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// One or more Deployments, with these names and replica counts.
    Deployments(&'static [(&'static str, i64)]),
    /// A StatefulSet of one pod, named like the app.
    StatefulSet,
    /// A DaemonSet named like the app: a pod on every node.
    DaemonSet,
    /// A CronJob named like the app, with its schedule.
    CronJob(&'static str),
    /// Nothing: the Kustomization holds configuration only.
    Nothing,
}

/// How an app is backed up by VolSync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Size of the claim.
    pub capacity: &'static str,
    /// Size of the mover's cache.
    pub cache: &'static str,
    /// Suffix of the ReplicationSource's name and of its Secret: empty, or `-b2` for a repository outside the house.
    pub suffix: &'static str,
    /// Schedule of the backups.
    pub schedule: &'static str,
    /// User of the mover.
    pub user: i64,
    /// Group of the mover.
    pub group: i64,
}

/// An app: a Kustomization and what it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App {
    /// The namespace of the Kustomization, of the HelmRelease and of the workloads.
    pub namespace: &'static str,
    /// Name of the Kustomization.
    pub name: &'static str,
    /// Name of the HelmRelease; none where the Kustomization holds plain objects.
    pub release: Option<&'static str>,
    /// Name and version of the chart.
    pub chart: (&'static str, &'static str),
    /// The image, with its tag.
    pub image: &'static str,
    /// The port that the app serves at; 0 for none.
    pub port: i64,
    /// What runs it.
    pub controller: Controller,
    /// How it is backed up; none when it keeps no data.
    pub backup: Option<Backup>,
    /// Name of the Deployment that KEDA scales; none when it is not scaled.
    pub scaled: Option<&'static str>,
    /// Kustomizations of which this one depends, as `namespace/name`.
    pub depends_on: &'static [&'static str],
}

impl App {
    /// Name of the ReplicationSource.
    #[must_use]
    pub fn source(&self) -> Option<String> {
        self.backup
            .map(|backup| format!("{}{}", self.name, backup.suffix))
    }

    /// Name of the Secret that holds the repository's address and password.
    #[must_use]
    pub fn repository_secret(&self) -> Option<String> {
        self.backup
            .map(|backup| format!("{}-volsync{}-secret", self.name, backup.suffix))
    }

    /// The chart is bjw-s' app-template, served from an OCI registry.
    pub(crate) fn is_template(&self) -> bool {
        self.chart.0 == "app-template"
    }

    /// The chart comes from a HelmRepository and not from an OCIRepository.
    pub(crate) fn is_from_helm_repository(&self) -> bool {
        matches!(
            self.release,
            Some("tailscale-operator" | "openebs" | "nvidia-device-plugin")
        )
    }
}
