use std::io;
use std::sync::Arc;

use futures::FutureExt as _;

use super::*;

fn pod(variable: fn(&str) -> Option<String>, read: crate::access::Read) -> Access {
    Access {
        read,
        variable,
        run: Arc::new(|_| std::future::ready(Err(io::ErrorKind::NotFound.into())).boxed()),
        show: Arc::new(|_| {}),
        learn: Arc::new(|_| {}),
        interactive: false,
    }
}

fn given(name: &str) -> Option<String> {
    match name {
        "KUBERNETES_SERVICE_HOST" => Some("fd00::1".to_owned()),
        "KUBERNETES_SERVICE_PORT" => Some("443".to_owned()),
        _ => None,
    }
}

fn mounted(path: &Path) -> io::Result<Vec<u8>> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("token") => Ok("abc\n".into()),
        Some("namespace") => Ok("media\n".into()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

#[test]
fn a_pod_finds_its_cluster_and_other_places_do_not() {
    let connection = connect_in_pod(&pod(given, mounted)).expect("a way");
    let Connection {
        server,
        context,
        namespace,
        ..
    } = connection.expect("a pod");
    assert_eq!(
        (server.as_str(), context, namespace.as_str()),
        ("https://[fd00::1]:443", None, "media")
    );
    let nothing = |_: &Path| Err(io::ErrorKind::NotFound.into());
    assert!(
        connect_in_pod(&pod(given, nothing))
            .expect("no fault")
            .is_none()
    );
    assert!(
        connect_in_pod(&pod(|_| None, mounted))
            .expect("no fault")
            .is_none()
    );
    let error = connect_in_pod(&pod(given, |_| Ok(b" \n".into())))
        .err()
        .expect("a fault");
    assert!(
        error.to_string().ends_with("serviceaccount/token`"),
        "{error}"
    );
}

#[test]
fn a_name_is_one_that_a_certificate_can_hold() {
    for (host, wanted) in [
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("fd00::1", "fd00::1"),
        ("nas.example.", "nas.example"),
    ] {
        assert_eq!(name(host).expect("a name").to_str(), wanted);
    }
    assert!(name("a b").is_err() && name("a..b").is_err());
}
