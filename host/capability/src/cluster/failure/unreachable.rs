//! What is said when there is no connection to the API server: what is wrong, and what helps in that state.

use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::hint::Remedy;
use jiff::Timestamp;

use crate::cluster::cause::Cause;

/// Returns the failure of a connection to `server`, with our words for a cause that has some, and else those of the errors.
pub(super) fn of(server: &str, cause: &Cause, chain: &[String]) -> Failure {
    let message = format!("the API server at {server} cannot be reached");
    let failure = Failure::new(Kind::Unavailable, "cluster.unreachable", message);
    // Where the way leads through a proxy, what is wrong with it says nothing of the server.
    let proxied = chain
        .iter()
        .any(|cause| cause.starts_with("the proxy that "));
    let failure = match said(cause, host(server)).filter(|_| !proxied) {
        Some(sentence) => failure.because(sentence),
        None => chain.iter().fold(failure, Failure::because),
    };
    failure.hinted_if(remedy(cause, server).filter(|_| !proxied))
}

fn said(cause: &Cause, host: &str) -> Option<String> {
    match cause {
        Cause::Name => Some(format!("the name `{host}` does not resolve")),
        Cause::NotTls => Some("what answers there does not speak TLS".to_owned()),
        Cause::OtherName { asked, names } if !names.is_empty() => Some(format!(
            "its certificate is for {}, not for `{}`",
            quoted(names),
            if asked.is_empty() { host } else { asked }
        )),
        Cause::OtherName { .. } => Some(format!("its certificate is not for `{host}`")),
        Cause::Expired(until) => Some(format!(
            "its certificate has expired{}; it is {} by the clock of this machine",
            at(*until),
            Timestamp::now().strftime(TIME)
        )),
        Cause::NotYetValid(from) => Some(format!(
            "its certificate is not valid yet, but from{} on; it is {} by the clock of this machine",
            at(*from),
            Timestamp::now().strftime(TIME)
        )),
        Cause::OtherAuthority => {
            Some("its certificate is not signed by the authority in the kubeconfig".to_owned())
        }
        Cause::Refused
        | Cause::NoRoute
        | Cause::Silent
        | Cause::Broken
        | Cause::OurCertificate
        | Cause::Tls
        | Cause::Credentials
        | Cause::Other => None,
    }
}

fn remedy(cause: &Cause, server: &str) -> Option<Remedy> {
    let remedy = match cause {
        Cause::Name => hint!(
            "see whether the DNS of this machine is up and knows {}, or write the address of the server into the kubeconfig",
            host(server)
        ),
        Cause::Refused => {
            "check --kubeconfig and --context, and that the API server runs".into()
        }
        Cause::NoRoute => {
            "see whether this machine is in the network of the cluster, or its VPN is up".into()
        }
        Cause::Silent => {
            "see whether the server is up, and whether this machine is in its network".into()
        }
        Cause::NotTls => hint!(
            "if it is meant to be so, as with `kubectl proxy`, write {} into the kubeconfig",
            server.replacen("https://", "http://", 1)
        ),
        Cause::OtherName { names, .. } => {
            let name = names.iter().find(|name| !name.starts_with('*'))?;
            hint!(
                "use one of these names as `server` in the kubeconfig; if it is your cluster all the same, write beside it: tls-server-name: {}",
                name
            )
        }
        Cause::Expired(_) => {
            "renew the certificate on the server; if the clock of this machine is wrong, set it"
                .into()
        }
        Cause::NotYetValid(_) => "set the clock of this machine, or that of the server".into(),
        Cause::OtherAuthority => {
            "certificate-authority-data in the kubeconfig is not that of this API server: fetch the kubeconfig again"
                .into()
        }
        Cause::OurCertificate => {
            "the server does not take the client certificate of the kubeconfig: fetch the kubeconfig again"
                .into()
        }
        Cause::Broken | Cause::Tls | Cause::Credentials | Cause::Other => return None,
    };
    Some(remedy)
}

const TIME: &str = "%Y-%m-%d %H:%M UTC";

fn at(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| format!(" {}", time.strftime(TIME)))
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Returns the host in a URL.
fn host(server: &str) -> &str {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_told_by_itself_and_its_hint_helps_in_that_state() {
        let name = Cause::OtherName {
            asked: "nas.example".to_owned(),
            names: vec!["*.home.example".to_owned(), "10.0.0.1".to_owned()],
        };
        let time = "2026-11-20T06:00:00Z".parse().ok();
        let chain = ["client error".to_owned(), "no".to_owned()];
        for (cause, said, hint) in [
            (
                name,
                "`*.home.example`, `10.0.0.1`, not for `nas.example`",
                "tls-server-name: 10.0.0.1",
            ),
            (
                Cause::Expired(time),
                "has expired 2026-11-20 06:00 UTC; it is 20",
                "renew the certificate",
            ),
            (
                Cause::NotYetValid(time),
                "from 2026-11-20 06:00 UTC on",
                "clock",
            ),
            (
                Cause::OtherAuthority,
                "not signed by the authority",
                "certificate-authority-data",
            ),
            (Cause::Name, "`nas.example` does not resolve", "DNS"),
            (
                Cause::NotTls,
                "does not speak TLS",
                "http://nas.example:6443",
            ),
            (Cause::Refused, "client error", "the API server runs"),
            (Cause::NoRoute, "client error", "VPN"),
            (Cause::Silent, "client error", "is up"),
            (Cause::OurCertificate, "client error", "client certificate"),
        ] {
            let failure = of("https://nas.example:6443", &cause, &chain);
            let causes = failure.causes.join("; ");
            assert!(causes.contains(said), "{cause:?}: {causes}");
            assert!(
                failure.hint.clone().is_some_and(|it| it.contains(hint)),
                "{failure:?}"
            );
        }
        for cause in [Cause::Broken, Cause::Tls, Cause::Credentials, Cause::Other] {
            assert_eq!(
                of("https://nas.example", &cause, &chain).hint,
                None,
                "{cause:?}"
            );
        }
    }

    #[test]
    fn host_is_told_from_scheme_port_and_path() {
        for (server, wanted) in [
            ("https://nas.example:6443", "nas.example"),
            ("https://nas.example/k8s/clusters/c-1", "nas.example"),
            ("https://[fd00::1]:6443", "[fd00::1]"),
            ("https://[fd00::1]", "[fd00::1]"),
        ] {
            assert_eq!(host(server), wanted);
        }
    }
}
