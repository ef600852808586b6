//! Rights as text, what two have in common, and what they allow.

use super::*;

fn right(text: &str) -> Right {
    text.parse().expect(text)
}

#[test]
fn rights_read_back() {
    for text in [
        "cluster:delete:pods:kube-system",
        "cluster:evict:pods:media",
        "cluster:patch:deployments.apps/scale:media",
        "cluster:*:deployments.apps:*",
        "cluster:list:pods:media/plex",
        "cluster:get:nodes:*/node-1",
        "cluster:patch:deployments.apps/scale#/spec/replicas:media/plex",
        "cluster:patch:deployments.apps#/spec/replicas:media",
        "cluster:signal:helmreleases.helm.toolkit.fluxcd.io#/metadata/annotations/reconcile.fluxcd.io~1*:*",
        "cluster:ignore:things.example.org#/spec/a:b/c#d:media/plex",
        "operations:call:flux.suspend",
        "operations:call:*",
        "operations:call:flux.suspend:media",
        "operations:call:flux.suspend:*",
        "operations:call:*:*",
        "talos:reboot:k8s-1",
        "talos:*:*",
        "http:get:api.example.org:8443/v1/",
    ] {
        assert_eq!(right(text).to_string(), text);
    }
    for wrong in [
        "",
        "cluster",
        "cluster:get:pods",
        "cluster:eat:pods:*",
        "secrets:reveal",
        "talos:reboot:",
        "talos:Reboot:k8s-1",
        "Talos:reboot:k8s-1",
        "talos:reboot:k8s 1",
        "talos:reboot:k8s-*",
        "talos:reboot:$(id)`",
        "operations:call:flux",
        "operations:hold:*",
        "operations:call:flux.suspend:",
        "operations:call:flux.suspend:a:b",
        "operations:call:flux.suspend;id",
        "cluster:get:secrets';id;':*",
        "cluster:get:pods:me dia",
        "cluster:get:pods:",
        "cluster:get:pods/:*",
        "cluster:get:pods:media/",
        "cluster:get:pods:media/a:b",
        "cluster:get:pods:media/a/b",
        "cluster:get:pods:media/Plex",
        "cluster:patch:pods#:media",
        "cluster:patch:pods#/:media",
        "cluster:patch:pods#spec:media",
        "cluster:patch:pods#/spec",
        "cluster:patch:pods#/a'b c:media",
        "cluster:patch:#/spec:media",
    ] {
        assert!(wrong.parse::<Right>().is_err(), "{wrong}");
    }
}

#[test]
fn a_wider_right_covers_a_narrower_one_and_not_the_reverse() {
    let table = [
        ("cluster:*:*:*", "cluster:delete:pods:media"),
        ("cluster:get:pods:*", "cluster:get:pods:media"),
        ("operations:call:*", "operations:call:flux.suspend"),
        (
            "operations:call:flux.suspend:*",
            "operations:call:flux.suspend:media",
        ),
        (
            "operations:call:flux.suspend:*",
            "operations:call:flux.suspend",
        ),
        ("operations:call:*:*", "operations:call:flux.suspend:media"),
        ("cluster:get:pods:media", "cluster:get:pods:media/plex"),
        ("cluster:*:*:*", "cluster:signal:pods#/spec/a:media/plex"),
        ("cluster:patch:pods:media", "cluster:patch:pods#/spec:media"),
        (
            "cluster:patch:pods#/spec:media",
            "cluster:patch:pods#/spec/a:media",
        ),
        (
            "cluster:patch:pods#/spec/a*:media",
            "cluster:patch:pods#/spec/ab/c:media",
        ),
    ];
    for (wide, narrow) in table {
        assert!(right(wide).is_wide(), "{wide}");
        assert!(right(wide).covers(&right(narrow)), "{wide} {narrow}");
        assert!(!right(narrow).covers(&right(wide)), "{narrow} {wide}");
    }
}

#[test]
fn what_two_rights_have_in_common_is_a_right() {
    for (one, other, common) in [
        (
            "cluster:list:pods:*",
            "cluster:list:pods:media",
            Some("cluster:list:pods:media"),
        ),
        (
            "cluster:*:pods:media",
            "cluster:list:*:*",
            Some("cluster:list:pods:media"),
        ),
        ("cluster:*:*:media", "cluster:*:*:default", None),
        ("cluster:get:pods:*", "cluster:list:pods:*", None),
        (
            "operations:call:*:*",
            "operations:call:flux.sync:media",
            Some("operations:call:flux.sync:media"),
        ),
        (
            "operations:call:flux.sync",
            "operations:call:flux.sync:*",
            Some("operations:call:flux.sync"),
        ),
        (
            "operations:call:flux.sync:a",
            "operations:call:flux.sync",
            None,
        ),
        ("operations:call:*", "cluster:*:*:*", None),
    ] {
        let (one, other) = (right(one), right(other));
        let common = common.map(right);
        assert_eq!(one.meet(&other), common, "{one} {other}");
        assert_eq!(other.meet(&one), common, "{other} {one}");
    }
}

#[test]
fn right_to_a_type_is_none_to_its_subresource_and_the_other_way_round() {
    let (whole, scale) = (
        "patch deployments.v1.apps media",
        "patch deployments.v1.apps/scale media",
    );
    let allows = |text: &str, wish: &str| may(&Grants::new(vec![right(text)], Risk::Change), wish);
    let (on_whole, on_scale) = (
        "cluster:patch:deployments.apps:media",
        "cluster:patch:deployments.apps/scale:media",
    );
    assert!(allows(on_whole, whole) && !allows(on_whole, scale));
    assert!(!allows(on_scale, whole) && allows(on_scale, scale));
    assert!(!right(on_whole).covers(&right(on_scale)));
    assert_eq!(right(on_whole).meet(&right(on_scale)), None);
}

#[test]
fn verb_without_fields_has_none() {
    for verb in [
        "get", "list", "watch", "create", "delete", "evict", "logs", "*",
    ] {
        let text = format!("cluster:{verb}:pods#/spec:media");
        let refused = text.parse::<Right>().expect_err(verb).to_string();
        let said = format!("`{verb}` has no fields: a right to patch, apply, signal or ignore has");
        assert_eq!(refused, said);
    }
}

/// Rights of each shape.
fn all() -> Vec<Right> {
    let mut all = Vec::new();
    for verb in ["*", "get", "patch", "signal", "ignore"] {
        for of in ["*", "things.a.b", "things.a.b/scale"] {
            for field in ["", "#/spec", "#/spec/a", "#/spec/a*", "#/spec/ab/c"] {
                for place in [
                    "*",
                    "media",
                    "default",
                    "*/plex",
                    "media/plex",
                    "media/emby",
                ] {
                    let text = format!("cluster:{verb}:{of}{field}:{place}");
                    all.extend(text.parse());
                }
            }
        }
    }
    all
}

#[test]
fn what_two_rights_have_in_common_is_within_both() {
    let all = all();
    assert_eq!(all.len(), 3 * 6 * (2 + 3 * 5));
    for one in &all {
        assert_eq!(one.meet(one).as_ref(), Some(one));
        assert_eq!(right(&one.to_string()), *one);
        for other in &all {
            let common = one.meet(other);
            assert_eq!(common, other.meet(one), "{one} {other}");
            if let Some(common) = &common {
                assert!(one.covers(common) && other.covers(common), "{one} {other}");
                assert_eq!(right(&common.to_string()), *common);
            }
            assert_eq!(
                one.covers(other),
                common.as_ref() == Some(other),
                "{one} {other}"
            );
            let covers_another = one.covers(other) && one != other;
            assert!(!covers_another || one.is_wide(), "{one} {other}");
        }
    }
}

/// Returns whether a wish is allowed: `VERB TYPE [NAMESPACE[/NAME]] [FIELD …]`.
fn may(grants: &Grants, wish: &str) -> bool {
    let mut words = wish.split(' ');
    let verb = words.next().expect("a verb");
    let verb = ClusterVerb::ALL
        .into_iter()
        .find(|known| known.as_str() == verb);
    let of = words.next().expect("a type").parse().expect("a type");
    let words: Vec<&str> = words.collect();
    let place = words.iter().find(|word| !word.starts_with('/'));
    let (namespace, name) = match place.and_then(|place| place.split_once('/')) {
        Some((namespace, name)) => (Some(namespace), Some(name)),
        None => (place.copied(), None),
    };
    let fields = words.iter().filter(|word| word.starts_with('/'));
    let fields: Vec<String> = fields.map(ToString::to_string).collect();
    let names: Vec<&str> = name.into_iter().collect();
    grants.allow_cluster(&Wish {
        verb: verb.expect("a verb"),
        of: &of,
        namespace: namespace.filter(|namespace| *namespace != "*"),
        names: &names,
        fields: &fields,
    })
}

#[test]
fn a_right_in_one_namespace_is_none_in_the_whole_cluster() {
    let grants = grants(&["cluster:list:pods:media"]);
    assert!(may(&grants, "list pods.v1 media"));
    assert!(!may(&grants, "list pods.v1 default"));
    assert!(!may(&grants, "list pods.v1"));
    assert!(!may(&grants, "get pods.v1 media"));
}

#[test]
fn a_right_on_one_object_is_none_on_another_nor_on_all() {
    let grants = grants(&[
        "cluster:list:pods:media/plex",
        "cluster:list:pods:media/emby",
        "cluster:get:nodes:*/node-1",
    ]);
    assert!(may(&grants, "list pods.v1 media/plex"));
    assert!(!may(&grants, "list pods.v1 media/jellyfin"));
    assert!(!may(&grants, "list pods.v1 media"));
    assert!(!may(&grants, "list pods.v1 default/plex"));
    assert!(may(&grants, "get nodes.v1 */node-1"));
    assert!(!may(&grants, "get nodes.v1 */node-2"));
    let pods = "pods.v1".parse().expect("a type");
    let of_names = |names: &[&str]| {
        grants.allow_cluster(&Wish {
            verb: ClusterVerb::List,
            of: &pods,
            namespace: Some("media"),
            names,
            fields: &[],
        })
    };
    assert!(of_names(&["plex", "emby"]));
    assert!(!of_names(&["plex", "emby", "jellyfin"]));
}

#[test]
fn every_field_that_is_set_needs_a_right() {
    let grants = grants(&[
        "cluster:patch:deployments.apps#/spec/replicas:media",
        "cluster:patch:deployments.apps#/metadata/annotations/agent.ops~1*:media",
        "cluster:patch:deployments.apps#/spec/paused:media/plex",
        "cluster:patch:deployments.apps/scale#/spec/a:media",
    ]);
    for (fields, allowed) in [
        ("/spec/replicas", true),
        (
            "/spec/replicas /metadata/annotations/agent.ops~1replicas",
            true,
        ),
        ("/spec/replicas /spec/paused", true),
        ("/spec/replicas /spec/template/spec/containers", false),
        ("/spec", false),
        ("/spec/a", false),
        ("/metadata/annotations", false),
    ] {
        let wish = format!("patch deployments.v1.apps media/plex {fields}");
        assert_eq!(may(&grants, &wish), allowed, "{fields}");
    }
    assert!(!may(
        &grants,
        "patch deployments.v1.apps media/emby /spec/paused"
    ));
    assert!(!may(
        &grants,
        "apply deployments.v1.apps media/plex /spec/replicas"
    ));
    assert!(!may(
        &grants,
        "signal deployments.v1.apps media/plex /spec/replicas"
    ));
    let lacks = |fields: &[&str]| {
        let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
        let of = "deployments.v1.apps".parse().expect("a type");
        let wish = Wish {
            verb: ClusterVerb::Patch,
            of: &of,
            namespace: Some("media"),
            names: &["emby"],
            fields: &fields,
        };
        let lack = grants.lacks(&wish)?;
        Some(
            lack.fields
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(lacks(&["/spec/replicas"]), None);
    assert_eq!(lacks(&[]), None, "what sets nothing needs no field");
    assert_eq!(
        lacks(&["/spec/replicas", "/spec/paused", ""]),
        Some(vec!["/spec/paused".to_owned(), String::new()])
    );
}

#[test]
fn no_plan_rests_on_what_was_granted_to_signal_or_to_ignore() {
    let grants = grants(&[
        "cluster:signal:things.example.org#/spec/now:media",
        "cluster:ignore:things.example.org#/spec/seen:*",
        "cluster:ignore:things.example.org#/spec/other:media/emby",
        "cluster:ignore:others.example.org#/spec/more:*",
        "cluster:patch:things.example.org#/spec/wanted:media",
        "cluster:*:things.example.org:media",
    ]);
    let object = |namespace: &str| ObjectRef {
        of: "things.v1.example.org".parse().expect("a type"),
        namespace: Some(namespace.to_owned()),
        name: "plex".to_owned(),
    };
    assert_eq!(
        grants.restless(&object("media")),
        ["/spec/now", "/spec/seen"]
    );
    assert_eq!(grants.restless(&object("default")), ["/spec/seen"]);
}

#[test]
fn right_to_ignore_gives_access_to_nothing() {
    let ignoring = grants(&["cluster:ignore:things.example.org#/spec/a:media"]);
    assert!(!ignoring.has_any_cluster_right());
    for verb in ["get", "patch", "apply", "signal"] {
        let wish = format!("{verb} things.v1.example.org media/plex /spec/a");
        assert!(!may(&ignoring, &wish), "{verb}");
    }
}

fn grants(rights: &[&str]) -> Grants {
    Grants::new(rights.iter().map(|it| right(it)).collect(), Risk::Change)
}

const SUSPEND: &[&str] = &["cluster:patch:kustomizations:*", "cluster:get:namespaces:*"];

fn called(caller: &Grants, rights: &[&str]) -> Grants {
    let operation = "flux.suspend".parse().expect("a name");
    grants(rights).under(caller, &operation)
}

#[test]
fn callee_acts_where_its_caller_may_and_nowhere_else() {
    let caller = grants(&[
        "cluster:get:pods:media",
        "operations:call:flux.suspend",
        "cluster:list:pods:*",
    ]);
    let callee = called(&caller, SUSPEND);
    let patch = |place: &str| may(&callee, &format!("patch kustomizations.v1{place}"));
    assert!(patch(" media"));
    assert!(!patch(" cert-manager"));
    assert!(!patch(""));
}

#[test]
fn right_that_names_no_namespace_opens_none_to_a_callee() {
    let caller = grants(&["cluster:get:namespaces:*", "operations:call:flux.suspend"]);
    let callee = called(&caller, SUSPEND);
    assert!(!may(&callee, "patch kustomizations.v1 media"));
    // What the caller may do itself is no more in the hands of another one.
    assert!(may(&callee, "get namespaces.v1"));
}

#[test]
fn reach_of_a_call_is_what_its_right_says() {
    let patch = |right: &str, namespace| {
        let callee = called(&grants(&[right]), SUSPEND);
        may(&callee, &format!("patch kustomizations.v1 {namespace}"))
    };
    assert!(patch("operations:call:flux.suspend:media", "media"));
    assert!(!patch("operations:call:flux.suspend:media", "default"));
    assert!(patch("operations:call:flux.suspend:*", "default"));
    assert!(patch("operations:call:*:*", "default"));
    assert!(!patch("operations:call:flux.resume:*", "default"));
}

#[test]
fn callee_of_a_callee_is_bound_by_both() {
    let outer = grants(&["cluster:get:pods:media", "operations:call:flux.suspend"]);
    let everything = &["cluster:*:*:*", "operations:call:*:*"];
    let middle = called(&outer, everything);
    let inner = called(&middle, everything);
    assert!(may(&inner, "list secrets.v1 media"));
    assert!(!may(&inner, "list secrets.v1 default"));
    assert!(!may(&inner, "list secrets.v1"));
    assert!(may(
        &called(&grants(everything), everything),
        "list secrets.v1"
    ));
}

#[test]
fn operation_that_calls_itself_with_another_namespace_gains_nothing() {
    let rights = |namespace: &str| {
        let list = format!("cluster:list:secrets:{namespace}");
        grants(&[
            &list,
            "operations:call:flux.suspend",
            "cluster:get:namespaces:*",
        ])
    };
    let operation = "flux.suspend".parse().expect("a name");
    let callee = rights("kube-system").under(&rights("media"), &operation);
    for place in [" kube-system", " media", ""] {
        assert!(!may(&callee, &format!("list secrets.v1{place}")), "{place}");
    }
}

/// Each of these is less than a right in the namespace, and must not open the namespace as one does.
#[test]
fn right_on_one_object_or_field_opens_to_a_callee_just_that() {
    const CALL: &str = "operations:call:flux.suspend";
    let everything = &["cluster:*:*:*", "operations:call:*:*"];
    for (own, opened) in [
        (
            "cluster:patch:things.example.org:media/plex",
            &["patch things.v1.example.org media/plex /spec/a"][..],
        ),
        (
            "cluster:patch:things.example.org#/spec/a:media",
            &[
                "patch things.v1.example.org media/plex /spec/a/b",
                "patch things.v1.example.org media/emby /spec/a",
            ],
        ),
        (
            "cluster:patch:things.example.org#/spec/a:media/plex",
            &["patch things.v1.example.org media/plex /spec/a"],
        ),
        (
            "cluster:apply:things.example.org#/spec/a:media",
            &["apply things.v1.example.org media/plex /spec/a"],
        ),
        (
            "cluster:signal:things.example.org#/spec/a:media",
            &["signal things.v1.example.org media/plex /spec/a"],
        ),
        ("cluster:ignore:things.example.org#/spec/a:media", &[]),
        (
            "cluster:get:things.example.org:media/plex",
            &["get things.v1.example.org media/plex"],
        ),
        (
            "cluster:list:things.example.org:media/plex",
            &["list things.v1.example.org media/plex"],
        ),
        (
            "cluster:create:things.example.org:media/plex",
            &["create things.v1.example.org media/plex"],
        ),
        (
            "cluster:delete:things.example.org:media/plex",
            &["delete things.v1.example.org media/plex"],
        ),
        (
            "cluster:*:things.example.org:media/plex",
            &[
                "delete things.v1.example.org media/plex",
                "patch things.v1.example.org media/plex /spec/b",
            ],
        ),
    ] {
        let callee = called(&grants(&[own, CALL]), everything);
        for wish in opened {
            assert!(may(&callee, wish), "{own}: {wish}");
        }
        for beyond in [
            "get secrets.v1 media",
            "get secrets.v1 media/plex",
            "list things.v1.example.org media",
            "patch things.v1.example.org media/emby /spec/b",
            "patch things.v1.example.org media/jellyfin /spec/a /spec/b",
            "delete things.v1.example.org media/emby",
            "apply things.v1.example.org media/emby /spec",
            "patch things.v1.example.org default/plex /spec/a",
        ] {
            assert!(!may(&callee, beyond), "{own}: {beyond}");
            // Nor through another one.
            assert!(
                !may(&called(&callee, everything), beyond),
                "{own}: {beyond}"
            );
        }
    }
}

/// Beside a right in the namespace, narrower ones take nothing away.
#[test]
fn narrow_rights_take_nothing_from_a_callee() {
    let caller = grants(&[
        "cluster:get:pods:media",
        "cluster:patch:kustomizations#/spec/suspend:default",
        "operations:call:flux.suspend",
    ]);
    let callee = called(&caller, SUSPEND);
    assert!(may(&callee, "patch kustomizations.v1 media/plex /spec/a"));
    assert!(may(
        &callee,
        "patch kustomizations.v1 default/plex /spec/suspend"
    ));
    assert!(!may(
        &callee,
        "patch kustomizations.v1 default/plex /spec/a"
    ));
    let json = serde_json::to_string(&caller.bounds_for(&"flux.suspend".parse().expect("a name")));
    let read: Vec<Bound> = serde_json::from_str(&json.expect("serialises")).expect("reads back");
    let callee = grants(SUSPEND).within(read);
    assert!(!may(
        &callee,
        "patch kustomizations.v1 default/plex /spec/a"
    ));
}

#[test]
fn bounds_read_back() {
    let caller = grants(&["cluster:get:pods:media", "operations:call:flux.suspend"]);
    let bounds = caller.bounds_for(&"flux.suspend".parse().expect("a name"));
    let json = serde_json::to_string(&bounds).expect("serialises");
    let read: Vec<Bound> = serde_json::from_str(&json).expect("reads back");
    assert_eq!(read, bounds);
}

#[test]
fn right_to_what_a_capability_knows_by_a_name_allows_that_and_no_other() {
    let reboot = Grants::new(vec![right("talos:reboot:k8s-1")], Risk::Disrupt);
    assert!(reboot.allow_named("talos", "reboot", "k8s-1"));
    for (capability, verb, name) in [
        ("talos", "reboot", "k8s-2"),
        ("talos", "reset", "k8s-1"),
        ("tales", "reboot", "k8s-1"),
    ] {
        assert!(
            !reboot.allow_named(capability, verb, name),
            "{capability} {verb} {name}"
        );
    }
    let meet = |one: &str, other: &str| right(one).meet(&right(other)).map(|it| it.to_string());
    let narrower = Some("talos:reboot:k8s-1".to_owned());
    assert_eq!(meet("talos:*:k8s-1", "talos:reboot:*"), narrower);
    assert_eq!(meet("talos:reset:*", "talos:reboot:*"), None);
    assert_eq!(meet("talos:*:*", "cluster:*:*:*"), None);
    assert!(right("talos:*:*").covers(&right("talos:reboot:k8s-1")));
    assert!(!right("talos:reboot:k8s-1").covers(&right("talos:reboot:*")));
}

/// What is called acts by rights of its own where its caller may, and a machine is in no namespace.
#[test]
fn callee_does_with_a_thing_what_its_caller_may_do_itself() {
    let callee = || Grants::new(vec![right("talos:*:*")], Risk::Disrupt);
    let under = |rights: &[&str]| {
        let rights = rights.iter().map(|text| right(text)).collect();
        let name = "talos.reboot".parse().expect("a name");
        callee().under(&Grants::new(rights, Risk::Disrupt), &name)
    };
    let may = |grants: &Grants| grants.allow_named("talos", "reboot", "k8s-1");
    assert!(!may(&under(&["operations:call:*", "cluster:*:*:media"])));
    assert!(!may(&under(&["operations:call:*", "talos:reboot:k8s-2"])));
    assert!(may(&under(&["operations:call:*", "talos:reboot:k8s-1"])));
    assert!(!may(&under(&["operations:call:*:*"])));
    assert!(may(&under(&["operations:call:*:*", "talos:*:*"])));
}
