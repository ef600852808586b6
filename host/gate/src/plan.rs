//! Plans: what a run that only plans has seen and would do.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_core::effect::Effect;
use agent_core::plan::{Form, Placeholder};
use serde_json::Value;

use crate::memory::{RunMemory, weight_of_fields};

/// What a run that plans has come to.
#[derive(Debug, Default)]
pub struct PlanDraft {
    /// The changes, in order.
    pub effects: Vec<Effect>,
    /// What they rest on, by capability.
    pub rests_on: BTreeMap<String, Value>,
    /// The texts in them that only a run knows.
    pub stand_ins: Vec<Placeholder>,
}

/// Collects what a plan consists of.
#[derive(Debug, Default)]
pub(super) struct PlanBuilder {
    effects: Mutex<Vec<Effect>>,
    /// What pays for them.
    memory: RunMemory,
}

impl PlanBuilder {
    pub(super) fn new(memory: RunMemory) -> PlanBuilder {
        PlanBuilder {
            memory,
            ..PlanBuilder::default()
        }
    }

    pub(super) fn add(&self, effect: &Effect) {
        self.memory.add(weight_of_fields(&effect.fields));
        lock(&self.effects).push(effect.clone());
    }

    /// Writes down that a change which was to be put back is to stay.
    pub(super) fn keep(&self, number: u64) {
        let mut effects = lock(&self.effects);
        let kept = effects.iter_mut().filter(|effect| effect.number == number);
        kept.for_each(|effect| effect.temporary = false);
    }

    pub(super) fn finish(&self, stand_ins: &Placeholders) -> PlanDraft {
        let mut effects = std::mem::take(&mut *lock(&self.effects));
        effects.sort_by_key(|effect| effect.number);
        PlanDraft {
            effects,
            rests_on: BTreeMap::new(),
            stand_ins: stand_ins.all(),
        }
    }
}

/// What begins and ends the name of a text that the host made, in a text made general. Where a text itself has it, it is written twice.
const MADE: char = '\u{1}';
/// The same of a text that a plugin has declared.
const DECLARED: char = '\u{2}';

/// How long the name of a declared text may be.
const NAME: usize = 64;

/// Texts that only a run knows, by what they stand for.
#[derive(Debug, Default)]
pub(super) struct Placeholders(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Names by the texts that the host made.
    made: HashMap<String, String>,
    /// How long those are, longest first.
    lengths: BTreeSet<Reverse<usize>>,
    /// Names by the texts that the plugin has declared, and the texts by their names: one each.
    declared: HashMap<String, String>,
    texts: BTreeMap<String, String>,
}

impl Placeholders {
    /// Takes those of a plan.
    pub(super) fn new(all: &[Placeholder]) -> Placeholders {
        let known = Placeholders::default();
        for Placeholder { name, text, form } in all {
            match form {
                None => drop(known.add(name, text)),
                Some(form) if form.fits(text) => drop(known.declare(name, text)),
                Some(_) => {}
            }
        }
        known
    }

    /// Adds a text that the host made. Returns how many bytes of memory that took.
    pub(super) fn add(&self, name: &str, text: &str) -> usize {
        if text.is_empty() || name.is_empty() {
            return 0;
        }
        let mut known = lock(&self.0);
        known.lengths.insert(Reverse(text.len()));
        let before = known.made.insert(text.to_owned(), name.to_owned());
        if before.is_some() {
            return 0;
        }
        text.len() + name.len()
    }

    /// Adds a text that a plugin declares. Returns how many bytes of memory that took.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn declare(&self, name: &str, text: &str) -> Result<usize, &'static str> {
        let visible = |c: char| !c.is_control();
        if name.is_empty() || name.len() > NAME || !name.chars().all(visible) {
            return Err("what it stands for has no name, or none that can be shown");
        }
        if Form::of(text).is_none() {
            return Err("only digits, ids in hexadecimal digits and times may become others");
        }
        let mut known = lock(&self.0);
        match known.texts.get(name) {
            Some(same) if same == text => return Ok(0),
            Some(_) => return Err("it stands for one value already"),
            None => {}
        }
        if known.declared.contains_key(text) {
            return Err("its value stands for something else already");
        }
        known.declared.insert(text.to_owned(), name.to_owned());
        known.texts.insert(name.to_owned(), text.to_owned());
        Ok(2 * (text.len() + name.len()))
    }

    /// Returns whether what the plugin has declared under each of these names has the form that it had in the plan.
    pub(super) fn fit(&self, forms: &BTreeMap<String, Form>) -> bool {
        let known = lock(&self.0);
        let mut both = forms.iter();
        both.all(|(name, form)| known.texts.get(name).is_none_or(|text| form.fits(text)))
    }

    pub(super) fn all(&self) -> Vec<Placeholder> {
        let known = lock(&self.0);
        let stand_in = |name: &String, text: &String, form| Placeholder {
            name: name.clone(),
            text: text.clone(),
            form,
        };
        let made = known.made.iter();
        let made = made.map(|(text, name)| stand_in(name, text, None));
        let declared = known.texts.iter();
        let declared = declared.map(|(name, text)| stand_in(name, text, Form::of(text)));
        let mut all: Vec<Placeholder> = made.chain(declared).collect();
        all.sort();
        all
    }

    /// Returns a text with what the host's texts stand for in their place, the longest where several begin.
    pub(super) fn general(&self, text: &str) -> String {
        lock(&self.0).general(text)
    }

    /// Returns a value with what texts stand for in their place: those of the host anywhere, those of a plugin where they are a whole value.
    pub(super) fn general_value(&self, value: &Value) -> Value {
        lock(&self.0).general_value(value)
    }

    /// Returns a sentence with what texts stand for in their place: those of the host anywhere, those of a plugin where they are a whole word.
    pub(super) fn general_words(&self, sentence: &str) -> String {
        let known = lock(&self.0);
        let words = sentence.split(' ').map(|word| known.whole(word));
        words.collect::<Vec<_>>().join(" ")
    }
}

impl Known {
    fn general(&self, text: &str) -> String {
        let mut general = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let parts = self.lengths.iter().map(|length| rest.get(..length.0));
            let named = |part: &str| Some((part.len(), self.made.get(part)?));
            match parts.flatten().find_map(named) {
                Some((length, name)) => {
                    general.extend([MADE]);
                    general.push_str(name);
                    general.push(MADE);
                    rest = &rest[length..];
                }
                None => {
                    if matches!(next, MADE | DECLARED) {
                        general.push(next);
                    }
                    general.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        general
    }

    fn whole(&self, text: &str) -> String {
        match self.declared.get(text) {
            Some(name) => format!("{DECLARED}{name}{DECLARED}"),
            None => self.general(text),
        }
    }

    fn general_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.whole(text)),
            Value::Array(items) => items.iter().map(|item| self.general_value(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (self.general(name), self.general_value(value)))
                .collect(),
            _ => value.clone(),
        }
    }
}

/// Returns a text that was made general as people read it.
pub(super) fn legible(general: &str) -> String {
    let mut legible = String::with_capacity(general.len());
    let mut inside = false;
    let mut rest = general.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            MADE | DECLARED if !inside && rest.next_if_eq(&c).is_some() => {}
            MADE | DECLARED => {
                legible.push(if inside { '>' } else { '<' });
                inside = !inside;
            }
            c => legible.push(c),
        }
    }
    legible
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOKEN: &str = "2026-11-23T06-00-00.000000000Z-0a1b2c3d";

    #[test]
    fn text_of_the_host_stands_anywhere_and_one_of_a_plugin_only_as_a_whole_value() {
        let known = Placeholders::default();
        known.add("token", TOKEN);
        known.add("token-end", "0a1b2c3d");
        known.declare("id of the snapshot", "beef").expect("an id");
        let value = json!({
            "tag": TOKEN, "name": "job-0a1b2c3d-x", "args": ["beef", "beef.example/miner"], "beef": "Ö0a1b2c3d",
        });
        let general = json!({
            "tag": "\u{1}token\u{1}", "name": "job-\u{1}token-end\u{1}-x",
            "args": ["\u{2}id of the snapshot\u{2}", "beef.example/miner"], "beef": "Ö\u{1}token-end\u{1}",
        });
        assert_eq!(known.general_value(&value), general);
        assert_eq!(legible("job-\u{1}token-end\u{1}-x"), "job-<token-end>-x");
    }

    /// Each text was compared with each placeholder: 60 million comparisons in one host call, which nobody could stop.
    #[test]
    fn many_placeholders_in_many_texts_cost_no_more_than_both_together() {
        let known = Placeholders::default();
        for number in 0..3_000 {
            known
                .declare(&format!("id {number}"), &format!("{number:08x}"))
                .expect("an id");
        }
        let texts: Value = (0..20_000).map(|number| format!("{number:08x}")).collect();
        let begun = std::time::Instant::now();
        let general = known.general_value(&texts);
        assert_eq!(general[7], "\u{2}id 7\u{2}");
        assert_eq!(general[7_000], texts[7_000]);
        // A thousand times what it takes.
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    }

    #[test]
    fn text_that_looks_like_a_general_one_is_another() {
        let known = Placeholders::default();
        known.add("token", TOKEN);
        for forged in ["\u{1}token\u{1}", "<token>", "\u{1}\u{1}token\u{1}\u{1}"] {
            assert_ne!(known.general(forged), known.general(TOKEN), "{forged:?}");
        }
        assert_eq!(legible(&known.general("\u{1}token\u{1}")), "token");
    }

    #[test]
    fn plugin_cannot_leave_open_what_it_likes() {
        let known = Placeholders::default();
        known.add("token", TOKEN);
        for (name, text) in [
            ("version", "harmless-1.2.3"),
            ("version", "evil.example/miner:666"),
            ("version", ""),
            ("", "beef"),
            ("a\u{1}b", "beef"),
            (&"n".repeat(65), "beef"),
        ] {
            known.declare(name, text).expect_err(text);
        }
        known.declare("id", "beef").expect("an id");
        known.declare("id", "beef").expect("the same again");
        known.declare("id", "cafe").expect_err("two values");
        known.declare("other", "beef").expect_err("two names");
        known
            .declare("token", "77")
            .expect("another name than the host's");
        assert_ne!(
            known.general_value(&json!("77")),
            known.general_value(&json!(TOKEN))
        );
    }
}
