use super::*;
use crate::fixture::folder;

fn grants_in(folder: &Folder) -> Grants {
    Grants::new(Ok(Some(folder.try_clone().expect("clones"))))
}

fn right(text: &str) -> Right {
    text.parse().expect(text)
}

fn plugin() -> PluginId {
    "hello".parse().expect("an id")
}

#[test]
fn grants_are_kept_and_added_to() {
    let (_keep, folder) = folder();
    let artifact = Digest::from_sha256(&[1; 32]);
    let grants = grants_in(&folder);
    let first = right("cluster:get:pods:*");
    let second = right("cluster:get:pods:media");
    grants
        .add(&plugin(), &artifact, vec![first.clone()])
        .expect("kept");
    let all = grants
        .add(&plugin(), &artifact, vec![second.clone(), first.clone()])
        .expect("kept");
    assert_eq!(all, [first.clone(), second.clone()]);
    let reopened = grants_in(&folder);
    assert_eq!(
        reopened.of(&plugin(), &artifact).expect("reads"),
        [first, second]
    );
}

#[test]
fn no_grant_is_lost_when_many_are_added_at_once() {
    const PEOPLE: u8 = 8;
    let (_keep, folder) = folder();
    let grants = || grants_in(&folder);
    let add = |grants: Grants, number: u8| {
        for name in ["pods", "secrets", "nodes"] {
            let artifact = Digest::from_sha256(&[number; 32]);
            grants
                .add(
                    &plugin(),
                    &artifact,
                    vec![right(&format!("cluster:get:{name}:*"))],
                )
                .expect("kept");
        }
    };
    std::thread::scope(|people| {
        for number in 0..PEOPLE {
            let grants = grants();
            people.spawn(move || add(grants, number));
        }
    });
    for number in 0..PEOPLE {
        let artifact = Digest::from_sha256(&[number; 32]);
        assert_eq!(grants().of(&plugin(), &artifact).expect("reads").len(), 3);
    }
}

#[test]
fn replaced_artifact_starts_with_nothing() {
    let (_keep, folder) = folder();
    let grants = grants_in(&folder);
    let (old, new) = (Digest::from_sha256(&[1; 32]), Digest::from_sha256(&[2; 32]));
    grants
        .add(&plugin(), &old, vec![right("cluster:get:pods:*")])
        .expect("kept");
    assert_eq!(grants.of(&plugin(), &new).expect("reads"), []);
    let other = "other".parse().expect("an id");
    assert_eq!(grants.of(&other, &old).expect("reads"), []);
}

#[test]
fn damaged_file_grants_nothing_and_is_not_overwritten() {
    let (_keep, folder) = folder();
    let artifact = Digest::from_sha256(&[1; 32]);
    for damaged in [
        "grant = 1",
        "[[grant]]\nplugin = \"hello\"\nsigner = \"x\"\nrights = [\"all\"]",
        "[[grants]]",
    ] {
        folder.dir().write(FILE, damaged).expect("writes");
        let grants = grants_in(&folder);
        let added = grants.add(&plugin(), &artifact, vec![right("cluster:get:pods:*")]);
        assert!(matches!(added, Err(GrantsError::Parse { .. })), "{added:?}");
        assert_eq!(folder.dir().read_to_string(FILE).expect("reads"), damaged);
    }
}

#[test]
fn without_a_directory_nothing_is_granted_and_nothing_can_be() {
    let grants = Grants::new(Ok(None));
    let artifact = Digest::from_sha256(&[1; 32]);
    assert_eq!(grants.of(&plugin(), &artifact).expect("reads"), []);
    let added = grants.add(&plugin(), &artifact, vec![right("cluster:get:pods:*")]);
    assert!(matches!(added, Err(GrantsError::Nowhere)), "{added:?}");
}
