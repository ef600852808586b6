//! Why a connection did not come about, or broke: judged by the types of the errors, for their words change and fit more than one cause.

use std::error::Error;
use std::io;

use jiff::Timestamp;
use kube::client::AuthError;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The name does not resolve.
    Name,
    /// Nothing listens there.
    Refused,
    /// No way leads there.
    NoRoute,
    /// It does not answer.
    Silent,
    /// It was there, and broke.
    Broken,
    /// Something there does not speak TLS.
    NotTls,
    /// The certificate is not for the name that was asked for, but for these.
    OtherName { asked: String, names: Vec<String> },
    /// The certificate was valid until then.
    Expired(Option<Timestamp>),
    /// The certificate will be valid from then on.
    NotYetValid(Option<Timestamp>),
    /// Another authority signed the certificate.
    OtherAuthority,
    /// The server does not take our certificate, or wants one.
    OurCertificate,
    /// TLS did not come about for another reason.
    Tls,
    /// There are no credentials to send.
    Credentials,
    /// Something else.
    Other,
}

impl Cause {
    pub(crate) fn of(error: &(dyn Error + 'static)) -> Cause {
        find(error).unwrap_or(Cause::Other)
    }

    /// Returns whether it will be the same in a moment: somebody has to change something first.
    pub(crate) fn is_lasting(&self) -> bool {
        match self {
            Cause::Name
            | Cause::Refused
            | Cause::NoRoute
            | Cause::Silent
            | Cause::Broken
            | Cause::Other => false,
            Cause::NotTls
            | Cause::OtherName { .. }
            | Cause::Expired(_)
            | Cause::NotYetValid(_)
            | Cause::OtherAuthority
            | Cause::OurCertificate
            | Cause::Tls
            | Cause::Credentials => true,
        }
    }
}

/// Goes down to the first error that says which it is. An error of I/O may have another one in it that is no source of it.
fn find(error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(cause) = known(error) {
        return Some(cause);
    }
    match error.downcast_ref::<io::Error>() {
        Some(io) => find(io.get_ref()?),
        None => find(error.source()?),
    }
}

fn known(error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(tls));
    }
    if error.is::<AuthError>() {
        return Some(Cause::Credentials);
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return of_io(io.kind());
    }
    // hyper-util has no type for it that could be named here.
    (error.to_string() == "dns error").then_some(Cause::Name)
}

fn of_io(kind: io::ErrorKind) -> Option<Cause> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some(Cause::Refused),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Cause::NoRoute),
        io::ErrorKind::TimedOut => Some(Cause::Silent),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(Cause::Broken),
        _ => None,
    }
}

fn of_tls(error: &rustls::Error) -> Cause {
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Cause::NotTls,
        rustls::Error::AlertReceived(alert) if is_about_our_certificate(*alert) => {
            Cause::OurCertificate
        }
        _ => Cause::Tls,
    }
}

fn of_certificate(error: &CertificateError) -> Cause {
    match error {
        CertificateError::NotValidForName => Cause::OtherName {
            asked: String::new(),
            names: Vec::new(),
        },
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => Cause::OtherName {
            asked: expected.to_str().into_owned(),
            names: presented.iter().filter_map(|name| plain(name)).collect(),
        },
        CertificateError::Expired => Cause::Expired(None),
        CertificateError::ExpiredContext { not_after, .. } => Cause::Expired(time(*not_after)),
        CertificateError::NotValidYet => Cause::NotYetValid(None),
        CertificateError::NotValidYetContext { not_before, .. } => {
            Cause::NotYetValid(time(*not_before))
        }
        // An authority of the same name with another key, as after a cluster was made anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Cause::OtherAuthority,
        _ => Cause::Tls,
    }
}

fn is_about_our_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
    )
}

/// Returns a name as a person writes it. rustls has it as `DnsName("nas.example")` or `IpAddress(10.0.0.1)`; other kinds of names are none of a
/// server.
fn plain(name: &str) -> Option<String> {
    let inner = name
        .strip_prefix("DnsName(")
        .or_else(|| name.strip_prefix("IpAddress("))?;
    Some(inner.strip_suffix(')')?.trim_matches('"').to_owned())
}

fn time(at: UnixTime) -> Option<Timestamp> {
    let seconds = i64::try_from(at.as_secs()).ok()?;
    Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests;
