//! How long each kind of cause may stand.

use std::time::Duration;

/// How long a cause may stand before it is a failure. It is told long before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Patience(Option<Duration>);

impl Patience {
    /// Nothing that is waited for can mend it: a Job that has failed, a name of an image that is none, a namespace that is going.
    pub const NOW: Patience = Patience(Some(Duration::ZERO));

    /// A person must mend it, unless what is missing is on its way just now: a Secret, a ConfigMap, an image that may not be pulled, a storage
    /// class. The kubelet looks again at each sync of the pod, so one that comes late is found.
    pub const SOON: Patience = Patience(Some(Duration::from_secs(10)));

    /// Something that others may free or bring back, and that is tried again and again: an image (the kubelet tries at 0, 10, 30 and 70 s:
    /// `MaxContainerBackOff` 300 s from `backOffPeriod` 10 s), a place on a node (tried again whenever the cluster changes), a quota or an admission
    /// webhook (the Job controller tries at 1, 2, 4 … 60 s: `DefaultJobApiBackOff`), a volume that is provisioned, a failed reconciliation.
    pub const MINUTE: Patience = Patience(Some(Duration::from_secs(60)));

    /// A volume that its last node still has. When that node is alive the cluster mends it by itself: the kubelet unmounts, reports
    /// `volumesInUse` with its status (10 s), the attach/detach controller detaches and the driver does it: some 10 to 40 s. The same for a mount:
    /// the kubelet tries for `podAttachAndMountTimeout` (2 min 3 s), with pauses that double from 0.5 s.
    pub const VOLUME: Patience = Patience(Some(Duration::from_secs(90)));

    /// The cluster is at work on it, or mends it by itself, however long that takes: the wait's own deadline is the limit.
    pub const DEADLINE: Patience = Patience(None);

    /// As long as that.
    pub const fn of(length: Duration) -> Patience {
        Patience(Some(length))
    }

    /// Returns whether a cause that has stood so long is a failure.
    pub fn is_over(self, stood: Duration) -> bool {
        self.0.is_some_and(|length| stood >= length)
    }

    /// Returns how long until then; none when it never is.
    pub fn left(self, stood: Duration) -> Option<Duration> {
        self.0.map(|length| length.saturating_sub(stood))
    }
}
