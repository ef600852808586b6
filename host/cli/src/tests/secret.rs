//! Secrets come from files, from standard input or from a person, and from nowhere else.

use agent_core::secret::Secrets;
use agent_core::{Consent, exit};
use insta::assert_snapshot;
use serde_json::json;

use super::plugins;
use super::remembering::cut_off;
use super::running::{finished, started};
use super::scene::{Scene, Shot, scene};

const TOKEN: &str = "t0ken-of-ada";

fn login(line: &str) -> Scene {
    scene(line).has_plugin(plugins::vault()).plays([
        started("vault.login", false),
        finished(&json!({"logged-in": true}), 0),
    ])
}

fn secrets(pairs: &[(&str, &str)]) -> Secrets {
    let mut secrets = Secrets::default();
    for (name, value) in pairs {
        secrets.insert(name, (*value).to_owned());
    }
    secrets
}

fn assert_given(shot: &Shot, pairs: &[(&str, &str)]) {
    let [call] = &shot.calls[..] else {
        panic!("no call: {shot}")
    };
    assert_eq!(call.secrets, secrets(pairs), "{shot}");
    assert_eq!(json!(call.arguments), json!({"user": "ada"}));
    assert!(!shot.to_string().contains(TOKEN), "{shot}");
}

#[tokio::test(start_paused = true)]
async fn secret_is_read_from_a_file_without_the_end_of_its_line() {
    let line = "agent run vault.login ada --token @token --pin=@pin --yes";
    let files = login(line)
        .has_file("token", &format!("{TOKEN}\r\n"))
        .has_file("pin", "48 15");
    assert_given(&files.shoot().await, &[("token", TOKEN), ("pin", "48 15")]);
}

#[tokio::test(start_paused = true)]
async fn secret_is_read_from_standard_input() {
    let mut piped = login("agent run vault.login ada --token @- --yes");
    piped = piped.types(&format!("{TOKEN}\n"));
    assert_given(&piped.shoot().await, &[("token", TOKEN)]);
}

#[tokio::test(start_paused = true)]
async fn person_is_asked_for_a_secret_that_is_needed_and_types_unseen() {
    let line = "agent run vault.login ada";
    let shot = login(line).screen(80, &format!("{TOKEN}\n")).shoot().await;
    assert_given(&shot, &[("token", TOKEN)]);
    assert_eq!(shot.hidden, ["hidden", "shown"]);
    assert_snapshot!("secret_asked_for", shot);
}

#[tokio::test(start_paused = true)]
async fn secret_on_standard_input_is_typed_unseen_where_that_is_a_keyboard() {
    let line = "agent run vault.login ada --token @-";
    let shot = login(line).screen(80, &format!("{TOKEN}\n")).shoot().await;
    assert_given(&shot, &[("token", TOKEN)]);
    assert_eq!(shot.hidden, ["hidden", "shown"]);
}

#[tokio::test(start_paused = true)]
async fn signal_is_heard_while_a_secret_is_waited_for() {
    for line in [
        "agent run vault.login ada",
        "agent run vault.login ada --token @-",
    ] {
        for on_screen in [true, false] {
            let waiting = login(line);
            let waiting = if on_screen {
                waiting.screen(80, "")
            } else {
                waiting
            };
            let shot = waiting.types_nothing().with_ctrl_c().shoot().await;
            let wanted = if on_screen || line.ends_with("@-") {
                exit::DECLINED
            } else {
                exit::USAGE
            };
            assert_eq!(shot.code, wanted, "{line}: {shot}");
            assert!(shot.calls.is_empty(), "{shot}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_ways_to_give_a_secret_are_explained_and_not_repeated() {
    let mut told = String::new();
    let lines = [
        format!("agent run vault.login ada --token {TOKEN}"),
        "agent run vault.login ada --token @".to_owned(),
        "agent run vault.login ada --token @nowhere".to_owned(),
        "agent run vault.login ada --token @empty".to_owned(),
        "agent run vault.login ada --token @- --pin @-".to_owned(),
        // Nobody is there to be asked.
        "agent run vault.login ada".to_owned(),
        format!("agent run vault.login ada {TOKEN} --token @token"),
    ];
    for line in lines {
        let files = login(&line)
            .has_file("empty", "\n")
            .has_file("token", TOKEN);
        let shot = files.types("48 15").shoot().await;
        assert_eq!(shot.code, exit::USAGE, "{shot}");
        assert!(shot.calls.is_empty(), "{shot}");
        told.push_str(&shot.stderr);
    }
    assert_snapshot!("secret_wrong", told);
}

#[tokio::test(start_paused = true)]
async fn help_says_how_a_secret_is_given() {
    let shot = login("agent run vault.login --help").shoot().await;
    assert_snapshot!("secret_help", shot);
}

#[tokio::test(start_paused = true)]
async fn secrets_of_a_run_are_given_again_to_resume_it_and_not_to_take_it_back() {
    let mut record = cut_off();
    record
        .begun
        .secrets
        .insert("token".to_owned(), "7f3a".to_owned());
    let line = |line: &str| {
        let file = login(line).has_file("token", TOKEN);
        file.remembers([record.clone()])
    };
    let given = secrets(&[("token", TOKEN)]);
    let from_file = line("agent resume last --yes --secret token=@token")
        .shoot()
        .await;
    let typed = line("agent resume last").screen(80, &format!("{TOKEN}\ny\n"));
    let typed = typed.shoot().await;
    for (shot, consent) in [(from_file, Consent::Given), (typed, Consent::Ask)] {
        let (_, how) = &shot.taken_up[0];
        assert_eq!((&how.secrets, how.consent), (&given, consent), "{shot}");
    }
    let undone = line("agent undo last --yes").screen(80, "").shoot().await;
    assert!(undone.taken_up[0].1.secrets.is_empty());
    let wrong = line("agent resume last --yes --secret token").shoot().await;
    assert_eq!(wrong.code, exit::USAGE);
    assert_snapshot!("secret_again_wrong", wrong);
}

/// Whoever writes there may never end, as `/dev/zero` does.
#[tokio::test(start_paused = true)]
async fn more_than_a_secret_on_standard_input_is_refused() {
    let endless = login("agent run vault.login ada --token @- --yes");
    let shot = endless.types(&"x".repeat(2 << 20)).shoot().await;
    assert_eq!(shot.code, exit::USAGE, "{shot}");
    assert!(
        shot.stderr.contains("it has more than 1048576 bytes"),
        "{shot}"
    );
}
