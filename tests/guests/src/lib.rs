//! Guests that misbehave, each operation in one way, and a few that behave well beside them.
//!
//! The host's tests run them (`host/engine/tests`): an operation here without a test there fails. Nothing of this is part of the agent.

mod act;
mod apply;
mod compute;
mod greed;
mod hold;
mod nested;
mod overwrite;
mod plan;
mod rights;
mod secret;
mod talk;
mod time;
mod wait;

agent_sdk::plugin! {
    manifest = "plugin.toml",
    operations = [
        act::act,
        act::act_with_secrets,
        act::act_blindly,
        act::act_when_asked,
        compute::spin,
        compute::eat_memory,
        compute::crowd,
        compute::recurse,
        compute::trap,
        compute::exit,
        talk::greet,
        talk::flood_log,
        talk::flood_output,
        talk::escape,
        talk::hand_over_too_much,
        talk::leak_steps,
        wait::patient,
        wait::sleep_forever,
        wait::sleep_deaf,
        wait::ignore_cancel,
        wait::flood_and_sleep,
        wait::watch_too_much,
        rights::write_while_reading,
        rights::write_unasked,
        rights::write_asked,
        rights::read_beyond,
        rights::look,
        rights::ask,
        hold::hold_and_return,
        hold::hold_and_fail,
        hold::hold_and_trap,
        hold::hold_and_spin,
        hold::hold_and_sleep,
        hold::hold_and_keep,
        hold::hold_made_and_sleep,
        hold::hold_job_and_sleep,
        hold::hold_job_and_return,
        hold::hold_job_and_drop,
        hold::hold_twice_and_sleep,
        hold::hold_locked,
        hold::hold_and_keep_anyway,
        hold::hold_and_end_late,
        hold::change,
        nested::call_itself,
        nested::call,
        nested::call_riskier,
        nested::hold_call,
        nested::keep_call,
        overwrite::overwrite,
        overwrite::overwrite_while_reading,
        overwrite::bring_back,
        overwrite::bring_back_badly,
        time::tell_time,
        time::tell_times,
        greed::call_without_end,
        greed::token_without_end,
        greed::read_too_much,
        greed::ask_at_length,
        greed::stand_in_without_end,
        greed::end_steps_at_length,
        apply::apply_more,
        apply::apply_less,
        plan::change_often,
        plan::change_all,
        plan::change_found,
        plan::exceed_plan,
        secret::watch_map_and_secret,
        secret::watch_secret_and_map,
        secret::leak_and_return,
        secret::leak_and_fail,
        secret::leak_at_length,
        secret::read_secret_last,
        secret::leak_argument,
        secret::hand_on,
    ]
}
