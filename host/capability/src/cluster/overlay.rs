//! What objects would be like by now in a run that only plans: later reads and changes see them so.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_core::object::{ObjectRef, ObjectType};
use agent_core::undo::Undo;
use agent_gate::{Entry, RunMemory, weight};
use serde_json::Value;

use super::fields;

/// What a plan has made of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Overlaid {
    /// It exists only in the plan.
    Made(Value),
    /// It exists, and is changed in the plan.
    Changed(Value),
    /// It exists, and is removed in the plan.
    Gone,
}

/// The objects that a plan has made something of, laid over those of the server.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    objects: Mutex<BTreeMap<ObjectRef, Overlaid>>,
    /// What pays for them.
    memory: RunMemory,
}

impl Overlay {
    pub(super) fn new(memory: RunMemory) -> Overlay {
        Overlay {
            memory,
            ..Overlay::default()
        }
    }

    pub(crate) fn of(&self, target: &ObjectRef) -> Option<Overlaid> {
        self.lock().get(&place(target)).cloned()
    }

    /// Returns all objects of a type.
    pub(crate) fn among(&self, of: &ObjectType) -> BTreeMap<ObjectRef, Overlaid> {
        let all = self.lock();
        let of_type = all.iter().filter(|(target, _)| target.of == *of);
        let of_type = of_type.map(|(target, imagined)| (target.clone(), imagined.clone()));
        of_type.collect()
    }

    /// Returns whether an object exists only in the plan.
    pub(crate) fn is_made(&self, target: &ObjectRef) -> bool {
        matches!(self.lock().get(&place(target)), Some(Overlaid::Made(_)))
    }

    /// Writes down that an object was made.
    pub(crate) fn made(&self, target: &ObjectRef, object: Value) {
        self.memory.add(weight(&object));
        self.lock().insert(place(target), Overlaid::Made(object));
    }

    /// Writes down what a change has made of an object.
    pub(crate) fn changed(&self, target: &ObjectRef, object: Value) {
        self.memory.add(weight(&object));
        let mut all = self.lock();
        let target = place(target);
        let made = matches!(all.get(&target), Some(Overlaid::Made(_)));
        let imagined = if made {
            Overlaid::Made(object)
        } else {
            Overlaid::Changed(object)
        };
        all.insert(target, imagined);
    }

    /// Writes down that an object is removed.
    pub(crate) fn removed(&self, target: &ObjectRef) {
        let mut all = self.lock();
        let target = place(target);
        if !matches!(all.remove(&target), Some(Overlaid::Made(_))) {
            all.insert(target, Overlaid::Gone);
        }
    }

    /// Does for the plan what putting back does for the cluster.
    pub(crate) fn put_back(&self, entry: &Entry) {
        let Ok(target) = ObjectRef::try_from(&entry.target) else {
            return;
        };
        let mut all = self.lock();
        let target = place(&target);
        match (&entry.undo, all.get_mut(&target)) {
            (Undo::Remove { .. }, Some(Overlaid::Made(_))) => {
                all.remove(&target);
            }
            (
                Undo::Fields { fields, grown, .. },
                Some(Overlaid::Made(object) | Overlaid::Changed(object)),
            ) => {
                *object = fields::put_back(object, fields, grown).wanted;
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectRef, Overlaid>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns where an object is kept. By the subresource of its status it is the same document; by any other it is one of its own.
fn place(target: &ObjectRef) -> ObjectRef {
    let of = match target.of.subresource.as_deref() {
        Some("status") => target.of.whole(),
        _ => target.of.clone(),
    };
    ObjectRef {
        of,
        ..target.clone()
    }
}
