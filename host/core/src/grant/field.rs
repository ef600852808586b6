//! Which fields of an object a right is for.

use crate::name::Field;

impl Field {
    /// Returns the pointer, and whether the last name in it only has to begin so.
    fn parts(&self) -> (&str, bool) {
        match self.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (self, false),
        }
    }

    /// Returns whether a JSON Pointer leads to it or to what is below it.
    pub fn covers(&self, pointer: &str) -> bool {
        let (own, open) = self.parts();
        let rest = pointer.strip_prefix(own);
        rest.is_some_and(|rest| open || rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns whether all that another one is for is covered.
    pub fn covers_all(&self, other: &Field) -> bool {
        match (self.parts(), other.parts()) {
            // What only begins as another name does is not below it.
            ((own, false), (stem, true)) => stem
                .strip_prefix(own)
                .is_some_and(|rest| rest.starts_with('/')),
            (_, (pointer, _)) => self.covers(pointer),
        }
    }
}

/// Returns the fields that two parts of rights have in common, where none stands for all: of two that overlap, one is within the other.
pub(super) fn narrower_field(one: Option<&Field>, other: Option<&Field>) -> Option<Option<Field>> {
    match (one, other) {
        (None, any) | (any, None) => Some(any.cloned()),
        (Some(one), Some(other)) if one.covers_all(other) => Some(Some(other.clone())),
        (Some(one), Some(other)) => other.covers_all(one).then(|| Some(one.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Field {
        text.parse().expect(text)
    }

    #[test]
    fn field_is_itself_and_what_is_below_it() {
        for (of, pointer, covered) in [
            ("/spec", "/spec", true),
            ("/spec", "/spec/suspend", true),
            ("/spec", "/spec/a/b", true),
            ("/spec", "/specs", false),
            ("/spec", "/status", false),
            ("/spec/suspend", "/spec", false),
            ("/spec/suspend", "", false),
            ("/spec/sus*", "/spec/suspend", true),
            ("/spec/sus*", "/spec/suspend/x", true),
            ("/spec/sus*", "/spec/sus", true),
            ("/spec/sus*", "/spec", false),
            ("/spec/sus*", "/spec/su", false),
            ("/spec/*", "/spec/a", true),
            ("/spec/*", "/spec", false),
            (
                "/metadata/annotations/a.b~1*",
                "/metadata/annotations/a.b~1c",
                true,
            ),
            (
                "/metadata/annotations/a.b~1*",
                "/metadata/annotations/a.b",
                false,
            ),
            (
                "/metadata/annotations/a.b*",
                "/metadata/annotations/a.bc~1d",
                true,
            ),
        ] {
            assert_eq!(field(of).covers(pointer), covered, "{of} {pointer}");
        }
    }

    #[test]
    fn of_two_fields_that_overlap_one_is_within_the_other() {
        let all = [
            "/*",
            "/spec",
            "/spec/*",
            "/spec/a",
            "/spec/a*",
            "/spec/ab",
            "/spec/ab*",
            "/spec/a/b",
            "/spec/a/b*",
            "/spec/a/*",
            "/spec/b",
            "/s*",
            "/status",
        ];
        let pointers = [
            "",
            "/spec",
            "/spec/a",
            "/spec/ab",
            "/spec/abc",
            "/spec/a/b",
            "/spec/a/bc",
            "/spec/b",
            "/status",
            "/s",
        ];
        for one in all.map(field) {
            for other in all.map(field) {
                let common = narrower_field(Some(&one), Some(&other));
                assert_eq!(common, narrower_field(Some(&other), Some(&one)));
                for pointer in pointers {
                    let both = one.covers(pointer) && other.covers(pointer);
                    let common = common.iter().flatten().any(|it| it.covers(pointer));
                    assert_eq!(common, both, "{one} {other} {pointer}");
                }
            }
        }
    }
}
