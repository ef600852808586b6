//! Credential plugins.

use super::{PLAIN, Row, TLS, row};

const GOOD: &str = "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"good\"}}'\n";
const BETA: &str = "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"good\"}}'\n";
const PAST: &str = "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"good\",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"}}'\n";
const YAML: &str = "#!/bin/sh\nprintf 'apiVersion: client.authentication.k8s.io/v1\\nkind: ExecCredential\\nstatus:\\n  token: good\\n'\n";
const TOLD: &str = "#!/bin/sh\ncase \"$KUBERNETES_EXEC_INFO\" in *127.0.0.1*certificate-authority-data*|*certificate-authority-data*127.0.0.1*) ./good.sh;; *) exit 4;; esac\n";
const GIVEN: &str = "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"'$1$WORD'\"}}'\n";
const HALF: &str = "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"clientKeyData\":\"x\"}}'\n";
const NOTHING: &str = "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\"}'\n";
const CERTIFICATE: &str = "#!/bin/sh\nprintf '%s' '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"clientCertificateData\":\"{cert-json}\",\"clientKeyData\":\"{key-json}\"}}'\n";
const V1: &str = "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ./good.sh}";

pub(super) const ROWS: &[Row] = &[
    row("exec: a token", TLS, V1, "").files(&[("good.sh", GOOD)]),
    row("exec: the older version", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./good.sh}", "").files(&[("good.sh", BETA)]),
    row("exec: a version that is gone", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, interactiveMode: Never, command: ./good.sh}", "`apiVersion` of `exec` must be").files(&[("good.sh", GOOD)]),
    row("exec: no version", TLS, "exec: {interactiveMode: Never, command: ./good.sh}", "`apiVersion` of `exec` must be").files(&[("good.sh", GOOD)]),
    row("exec: no mode", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./good.sh}", "`interactiveMode` of `exec` must be").files(&[("good.sh", GOOD)]),
    row("exec: an unknown mode", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Sometimes, command: ./good.sh}", "`interactiveMode` of `exec` must be").files(&[("good.sh", GOOD)]),
    row("exec: if there is a terminal", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: ./good.sh}", "").files(&[("good.sh", GOOD)]),
    row("exec: only with a terminal", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always, command: ./good.sh}", "the credential plugin `./good.sh` of user `me` needs a terminal").files(&[("good.sh", GOOD)]),
    row("exec: no command", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}", "`exec` has no `command`"),
    row("exec: a path relative to the file", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: bin/good.sh}", "").with(&[("KUBECONFIG", "{dir}/sub/config")]).files(&[("sub/config", "="), ("sub/bin/good.sh", GOOD)]),
    row("exec: found in PATH", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: good.sh}", "").with(&[("PATH", "{dir}/bin:/usr/bin:/bin")]).files(&[("bin/good.sh", GOOD)]),
    row("exec: not installed", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: kubelogin, installHint: brew install kubelogin}", "brew install kubelogin Error: the kubeconfig cannot be used Caused by: the credential plugin `kubelogin` of user `me` is not installed"),
    row("exec: fails", TLS, V1, "it is over Error: the kubeconfig cannot be used Caused by: the credential plugin `./good.sh` of user `me` failed with exit code 3").files(&[("good.sh", "#!/bin/sh\necho it is over >&2\nexit 3\n")]),
    row("exec: killed", TLS, V1, "was ended by a signal").files(&[("good.sh", "#!/bin/sh\nkill -9 $$\n")]),
    row("exec: arguments and variables", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ./given.sh, args: [go], env: [{name: WORD, value: od}]}", "").files(&[("given.sh", GIVEN)]),
    row("exec: a variable without a name", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ./good.sh, env: [{value: x}]}", "`exec` has an `env` without a name").files(&[("good.sh", GOOD)]),
    row("exec: told of the cluster", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, provideClusterInfo: true, command: ./told.sh}", "").files(&[("told.sh", TOLD), ("good.sh", GOOD)]),
    row("exec: not told of the cluster", TLS, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ./told.sh}", "failed with exit code 4").files(&[("told.sh", TOLD)]),
    row("exec: YAML", TLS, V1, "").files(&[("good.sh", YAML)]),
    row("exec: a certificate", TLS, V1, "").files(&[("good.sh", CERTIFICATE)]),
    row("exec: expired already", TLS, V1, "").files(&[("good.sh", PAST)]),
    row("exec: answers in another version", TLS, V1, "is of another `apiVersion`").files(&[("good.sh", BETA)]),
    row("exec: answers nothing", TLS, V1, "is not of `kind: ExecCredential`").files(&[("good.sh", "#!/bin/sh\n")]),
    row("exec: answers a word", TLS, V1, "is not of `kind: ExecCredential`").files(&[("good.sh", "#!/bin/sh\necho good\n")]),
    row("exec: answers no status", TLS, V1, "has no `status`").files(&[("good.sh", NOTHING)]),
    row("exec: answers half a certificate", TLS, V1, "has a certificate without its key").files(&[("good.sh", HALF)]),
    row("exec: answers a wrong token", TLS, V1, "does not accept the credentials").files(&[("good.sh", "#!/bin/sh\n./good2.sh | sed s/good/bad/\n"), ("good2.sh", GOOD)]),
    row("exec: not run beside a token", TLS, "token: good, exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: nowhere}", ""),
    row("exec: not run beside a certificate", TLS, "client-certificate-data: {cert}, client-key-data: {key}, exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: nowhere}", ""),
    row("exec: not run for plain HTTP", PLAIN, "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: nowhere}", ""),
    row("exec: beside a provider", TLS, "auth-provider: {name: oidc}, exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ./good.sh}", "`exec` and `auth-provider` exclude each other").files(&[("good.sh", GOOD)]),
];
