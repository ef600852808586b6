//! What is asked for in the cluster, held against the rights.

use agent_core::effect::Verb;
use agent_core::failure::Failure;
use agent_core::grant::Wish;
use agent_core::manifest::ClusterVerb;
use agent_core::object::ObjectRef;

use super::{Gate, Look, denial};

impl Gate {
    pub(super) fn may_look(&self, look: &Look) -> Result<(), Failure> {
        let names: Vec<&str> = look.names.iter().map(String::as_str).collect();
        self.may(&Wish {
            verb: look.verb,
            of: &look.of,
            namespace: look.namespace.as_deref(),
            names: &names,
            fields: &[],
        })
    }

    /// Checks the rights to a change.
    pub(super) fn may_change(
        &self,
        verb: Verb,
        target: &ObjectRef,
        fields: &[String],
    ) -> Result<(), Failure> {
        self.may_set(verb, target, fields)?;
        // What changes nothing has shown that the value is the one that was tried.
        if target.of.is_secret() && matches!(verb, Verb::Patch | Verb::Apply) {
            self.may_get(target)?;
        }
        Ok(())
    }

    /// Checks the rights to change fields of an object.
    pub(crate) fn may_set(
        &self,
        verb: Verb,
        target: &ObjectRef,
        fields: &[String],
    ) -> Result<(), Failure> {
        self.may(&wish(target, right_for(verb), &[&target.name], fields))
    }

    fn may_get(&self, target: &ObjectRef) -> Result<(), Failure> {
        self.may(&wish(target, ClusterVerb::Get, &[&target.name], &[]))
    }

    fn may(&self, wish: &Wish<'_>) -> Result<(), Failure> {
        if self.actor.grants.allow_cluster(wish) {
            Ok(())
        } else {
            Err(denial::cluster(self, wish))
        }
    }
}

fn wish<'a>(
    target: &'a ObjectRef,
    verb: ClusterVerb,
    names: &'a [&'a str],
    fields: &'a [String],
) -> Wish<'a> {
    Wish {
        verb,
        of: &target.of,
        namespace: target.namespace.as_deref(),
        names,
        fields,
    }
}

/// Returns the right that a change needs.
fn right_for(verb: Verb) -> ClusterVerb {
    match verb {
        Verb::Create => ClusterVerb::Create,
        Verb::Patch | Verb::Overwrite => ClusterVerb::Patch,
        Verb::Signal => ClusterVerb::Signal,
        Verb::Apply => ClusterVerb::Apply,
        Verb::Delete => ClusterVerb::Delete,
        Verb::Evict => ClusterVerb::Evict,
    }
}
