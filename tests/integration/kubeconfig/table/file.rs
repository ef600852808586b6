//! Texts, lists of files, and contexts.

use super::{Encoding, PLAIN, Row, TLS, TOKEN, row, text};

const END: &str = "  user: { token: good }\n";

pub(super) const ROWS: &[Row] = &[
    text(
        "file: a directive",
        &[(
            "apiVersion: v1\n",
            "%YAML 1.1\n---\n# home\napiVersion: v1\n",
        )],
        "",
    ),
    row(
        "file: a sign that no value begins with",
        TLS,
        "token: @good",
        "config`, line 12",
    ),
    row(
        "file: a backquote",
        TLS,
        "token: `good`",
        "config`, line 12",
    ),
    row(
        "file: a percent sign",
        TLS,
        "token: %good",
        "config`, line 12",
    ),
    row(
        "file: a colon too many",
        TLS,
        "token: good: good",
        "config`, line 12",
    ),
    row(
        "file: a comment behind a value",
        TLS,
        "token: good # old",
        "config`, line 1",
    ),
    row("file: a value of two lines", TLS, "token:\n    good", ""),
    row(
        "file: a colon without a space",
        TLS,
        "token:good",
        "does not accept the credentials",
    ),
    row(
        "file: a quote in the middle",
        TLS,
        "token: go\"od",
        "does not accept the credentials",
    ),
    row(
        "file: a quote that ends early",
        TLS,
        "token: 'good' x",
        "config`, line 12",
    ),
    row(
        "file: an unknown escape",
        TLS,
        "token: \"\\qgood\"",
        "config`, line 12",
    ),
    row("file: a tag", TLS, "token: !!str good", ""),
    row(
        "file: a key without a value",
        TLS,
        "token: good, tokenFile, as",
        "",
    ),
    row("file: a comma too many", TLS, "token: good,", ""),
    row(
        "file: two commas",
        TLS,
        "token: good,, as: jane",
        "config`, line 12",
    ),
    text("file: as usual", &[], ""),
    text("file: with a byte order mark", &[], "").encoding(Encoding::Marked),
    text("file: UTF-16", &[], "").encoding(Encoding::Utf16),
    text("file: CR LF", &[], "").encoding(Encoding::Windows),
    text(
        "file: neither kind nor version",
        &[("apiVersion: v1\nkind: Config\n", "")],
        "",
    ),
    text(
        "file: of another kind",
        &[("kind: Config", "kind: Pod")],
        "`kind` is not that of a kubeconfig",
    ),
    text(
        "file: of another version",
        &[("apiVersion: v1", "apiVersion: v2")],
        "`apiVersion` is not that of a kubeconfig",
    ),
    text(
        "file: unknown fields",
        &[(
            "kind: Config",
            "kind: Config\nextra: {a: [1]}\npreferences: {colors: true}",
        )],
        "",
    ),
    text(
        "file: quoted keys",
        &[("apiVersion: v1", "\"apiVersion\": \"v1\"")],
        "",
    ),
    text(
        "file: a key twice, the last is good",
        &[(
            "current-context: home",
            "current-context: no\ncurrent-context: home",
        )],
        "",
    ),
    text(
        "file: a key twice, the first is good",
        &[(
            "current-context: home",
            "current-context: home\ncurrent-context: nope",
        )],
        "there is no context `nope`",
    ),
    text(
        "file: a key in other letters",
        &[("current-context", "Current-Context")],
        "no context is chosen",
    ),
    text(
        "file: an anchor and an alias",
        &[
            ("- name: home\n  cluster", "- name: &n home\n  cluster"),
            ("cluster: home,", "cluster: *n,"),
        ],
        "",
    ),
    text(
        "file: an alias of nothing",
        &[("cluster: home,", "cluster: *n,")],
        "an alias names nothing",
    ),
    row("file: a merge", TLS, "<<: {token: good}", ""),
    text(
        "file: more documents behind it",
        &[(END, "  user: { token: good }\n---\n}{\n")],
        "",
    ),
    text(
        "file: cut off",
        &[(END, "  user: { token: go")],
        "a bracket is not closed",
    ),
    text(
        "file: a bracket too many",
        &[(END, "  user: { token: good }\n}\n")],
        "config`, line 13, column 1:",
    ),
    text(
        "file: a tab",
        &[("  cluster: {", "\tcluster: {")],
        "config`, line 6",
    ),
    row(
        "file: a number for a token",
        TLS,
        "token: 12345",
        "line 12, column 18: `token` is read as a number: put its value in quotes",
    ),
    row(
        "file: a number in quotes",
        TLS,
        "token: '12345'",
        "does not accept the credentials",
    ),
    row(
        "file: a day for a token",
        TLS,
        "token: 2026-11-30",
        "does not accept the credentials",
    ),
    text(
        "file: y for a namespace",
        &[("user: me}", "user: me, namespace: y}")],
        "`namespace` is read as true or false",
    ),
    row(
        "file: a map for a token",
        TLS,
        "token: {good: good}",
        "`token` must be a text",
    ),
    row(
        "file: a list for a user",
        TLS,
        "}\nextra: {",
        "`user` must be a map",
    )
    .change(&[("user: { }", "user: [ ]")]),
    row(
        "file: null for a token",
        TLS,
        "token: null, tokenFile: tok",
        "",
    )
    .files(&[("tok", "good")]),
    row(
        "file: yes for true",
        "server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: yes",
        TOKEN,
        "",
    ),
    row(
        "file: true in quotes",
        "server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: 'true'",
        TOKEN,
        "`insecure-skip-tls-verify` must be true or false",
    ),
    row(
        "file: no base64",
        "server: 'https://127.0.0.1:{port}', certificate-authority-data: '***'",
        TOKEN,
        "`certificate-authority-data` is not base64",
    ),
    text(
        "file: a name twice",
        &[("users:\n", "users:\n- name: me\n  user: {token: bad}\n")],
        "`users` has a name twice",
    ),
    text("file: empty", &[], "no context is chosen")
        .with(&[("KUBECONFIG", "{dir}/empty")])
        .files(&[("empty", "")]),
    text("file: only a comment", &[], "no context is chosen")
        .with(&[("KUBECONFIG", "{dir}/empty")])
        .files(&[("empty", "# nothing\n")]),
    text("file: a list", &[], "`kubeconfig` must be a map")
        .with(&[("KUBECONFIG", "{dir}/list")])
        .files(&[("list", "- a\n")]),
    text("file: a word", &[], "`kubeconfig` must be a map")
        .with(&[("KUBECONFIG", "{dir}/word")])
        .files(&[("word", "token\n")]),
    text(
        "file: a control character",
        &[],
        "there is a control character",
    )
    .with(&[("KUBECONFIG", "{dir}/odd")])
    .files(&[("odd", "a: \u{1}\n")]),
    text("list: the first is missing", &[], "").with(&[("KUBECONFIG", "{dir}/none:{dir}/config")]),
    text("list: the first has an empty current context", &[], "")
        .with(&[("KUBECONFIG", "{dir}/first:{dir}/config")])
        .files(&[("first", "current-context: ''\n")]),
    text(
        "list: the first current context counts",
        &[],
        "there is no context `nope`",
    )
    .with(&[("KUBECONFIG", "{dir}/first:{dir}/config")])
    .files(&[("first", "current-context: nope\n")]),
    text(
        "list: the first user of a name counts",
        &[],
        "does not accept the credentials",
    )
    .with(&[("KUBECONFIG", "{dir}/first:{dir}/config")])
    .files(&[("first", "users:\n- name: me\n  user: {token: bad}\n")]),
    text("list: a later user of a name does not", &[], "")
        .with(&[("KUBECONFIG", "{dir}/config:{dir}/last")])
        .files(&[("last", "users:\n- name: me\n  user: {token: bad}\n")]),
    text(
        "list: users in one file, the rest in another",
        &[("users:\n- name: me\n  user: { token: good }\n", "")],
        "",
    )
    .with(&[("KUBECONFIG", "{dir}/config:{dir}/users")])
    .files(&[("users", "users:\n- name: me\n  user: {token: good}\n")]),
    text("list: of nothing", &[], "no kubeconfig was found").with(&[("KUBECONFIG", ":")]),
    text("list: of missing files", &[], "there is no kubeconfig at")
        .with(&[("KUBECONFIG", "{dir}/a:{dir}/b")]),
    text("list: a broken one behind", &[], "second`, line")
        .with(&[("KUBECONFIG", "{dir}/config:{dir}/second")])
        .files(&[("second", "a: [")]),
    text("list: a file twice", &[], "").with(&[("KUBECONFIG", "{dir}/config:{dir}/config")]),
    text("list: a folder", &[], "sub` cannot be read")
        .with(&[("KUBECONFIG", "{dir}/sub:{dir}/config")])
        .files(&[("sub/x", "")]),
    text("list: a relative path", &[], "").with(&[("KUBECONFIG", "config")]),
    text("home: .kube/config", &[], "")
        .with(&[("KUBECONFIG", "")])
        .files(&[(".kube/config", "=")]),
    text("home: nothing there", &[], "no kubeconfig was found").with(&[("KUBECONFIG", "")]),
    row("path: relative to the file", TLS, "tokenFile: tok", "")
        .with(&[("KUBECONFIG", "{dir}/sub/config")])
        .files(&[("sub/config", "="), ("sub/tok", "good")]),
    row(
        "path: not relative to where we are",
        TLS,
        "tokenFile: tok",
        "`tokenFile` names a file that cannot be read",
    )
    .with(&[("KUBECONFIG", "{dir}/sub/config")])
    .files(&[("sub/config", "="), ("tok", "good")]),
    text(
        "context: none is current",
        &[("current-context: home\n", "")],
        "no context is chosen",
    ),
    text(
        "context: an unknown one is",
        &[("current-context: home", "current-context: x")],
        "there is no context `x` Hint: contexts: home",
    ),
    text(
        "context: without its cluster",
        &[("cluster: home, user", "cluster: gone, user")],
        "context `home` names the cluster `gone`, which there is not",
    ),
    text(
        "context: without its user",
        &[("user: me}", "user: gone}")],
        "context `home` names the user `gone`, which there is not",
    ),
    row("context: without its user, plain HTTP", PLAIN, TOKEN, "")
        .change(&[("user: me}", "user: gone}")]),
    row("context: nobody, plain HTTP", PLAIN, TOKEN, "").change(&[("user: me}", "user: ''}")]),
    text(
        "context: nobody, TLS",
        &[("user: me}", "user: ''}")],
        "does not accept the credentials",
    ),
    text(
        "context: with a namespace",
        &[("user: me}", "user: me, namespace: media}")],
        "",
    ),
];
