//! A plan in a file.

use agent_core::plan::Plan;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(plan) = serde_json::from_slice::<Plan>(bytes) else {
        return;
    };
    // What was read is a plan that can be kept, and it is the same then.
    let text = serde_json::to_string(&plan).expect("it can be written");
    let again: Plan = serde_json::from_str(&text).expect("what was written is read");
    let written = serde_json::to_string(&again).expect("it can be written");
    assert_eq!(text, written);
    assert_eq!(plan.operation.to_string().matches('.').count(), 1);
}
