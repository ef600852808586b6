//! URLs as Go's `net/url` splits them, as far as servers and proxies need it. Errors do not repeat the text: it may hold a password.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// A URL with an authority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Url {
    /// In lower case; empty when there is none.
    pub(crate) scheme: String,
    pub(crate) user: Option<UserInfo>,
    /// Without brackets, as ASCII.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// Still encoded; without query and fragment.
    pub(crate) path: String,
    /// Whether something stands where host and port belong.
    pub(crate) authority: bool,
}

/// A name and a password in a URL. Its `Debug` is `***`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct UserInfo {
    pub(crate) name: Zeroizing<String>,
    pub(crate) password: Zeroizing<String>,
}

impl std::fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Url {
    /// Splits a URL. One without an authority is as good as none.
    pub(crate) fn parse(text: &str) -> Result<Url, &'static str> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("has a control character in it");
        }
        let text = text.split('#').next().unwrap_or_default();
        let (scheme, rest) = scheme(text)?;
        let rest = rest.split('?').next().unwrap_or_default();
        let Some(rest) = rest.strip_prefix("//") else {
            let first = rest.split('/').next().unwrap_or_default();
            if scheme.is_empty() && first.contains(':') {
                return Err("has no scheme such as `https://`");
            }
            return Ok(Url {
                scheme,
                ..Url::default()
            });
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if !is_encoded(path) {
            return Err("has a `%` in its path that encodes nothing");
        }
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user_info(user)?), host),
            None => (None, authority),
        };
        let authority = !host.is_empty();
        let (host, port) = host_and_port(host)?;
        Ok(Url {
            scheme,
            user,
            host,
            port,
            path: path.to_owned(),
            authority,
        })
    }

    /// Returns the host as it stands in a URL.
    pub(crate) fn host_in_url(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }

    /// Returns the host's address, when it is not a name.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// Splits a scheme off.
fn scheme(text: &str) -> Result<(String, &str), &'static str> {
    for (index, one) in text.char_indices() {
        match one {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if index > 0 => {}
            ':' if index == 0 => return Err("has nothing before its `:`"),
            ':' => return Ok((text[..index].to_ascii_lowercase(), &text[index + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn user_info(text: &str) -> Result<UserInfo, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !text.bytes().all(allowed) || !is_encoded(text) {
        return Err("has a user or a password whose special characters are not encoded");
    }
    let (name, password) = text.split_once(':').unwrap_or((text, ""));
    let decode = |text| Zeroizing::new(percent_decode_str(text).decode_utf8_lossy().into_owned());
    Ok(UserInfo {
        name: decode(name),
        password: decode(password),
    })
}

fn host_and_port(text: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("has a `[` without its `]`")?;
            (host, port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some("") => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().map_err(|_| "has a port above 65535")?)
        }
        _ => return Err("has a port that is not a number"),
    };
    if host.contains('%') {
        return Err("has a host with a `%`; zones of addresses are not supported");
    }
    let host = match host.is_ascii() {
        true => host.to_owned(),
        false => idna::domain_to_ascii(host).map_err(|_| "has a host that is not a name")?,
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&byte);
    match host.bytes().all(allowed) {
        true => Ok((host, port)),
        false => Err("has a host that is not a name"),
    }
}

/// Returns whether each `%` has two hexadecimal digits behind it.
fn is_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Result<(String, String, Option<u16>, String), &'static str> {
        let url = Url::parse(text)?;
        Ok((url.scheme, url.host, url.port, url.path))
    }

    #[test]
    fn a_url_is_split_as_go_does() {
        let ok = |scheme: &str, host: &str, port, path: &str| {
            Ok((scheme.to_owned(), host.to_owned(), port, path.to_owned()))
        };
        let table = [
            (
                "https://h:6443/a/b?c#d",
                ok("https", "h", Some(6443), "/a/b"),
            ),
            ("HTTPS://H", ok("https", "H", None, "")),
            ("https://h:", ok("https", "h", None, "")),
            (
                "https://[fd00::1]:6443/",
                ok("https", "fd00::1", Some(6443), "/"),
            ),
            ("https://u:p@h", ok("https", "h", None, "")),
            (
                "https://müller.example",
                ok("https", "xn--mller-kva.example", None, ""),
            ),
            ("localhost:8080", ok("localhost", "", None, "")),
            ("example", ok("", "", None, "")),
            ("10.0.0.5:6443", Err("has no scheme such as `https://`")),
            ("https://h:65536", Err("has a port above 65535")),
            ("https://h:x", Err("has a port that is not a number")),
            ("https://a b", Err("has a host that is not a name")),
            (
                "https://h/%zz",
                Err("has a `%` in its path that encodes nothing"),
            ),
            ("https://a\nb", Err("has a control character in it")),
        ];
        for (text, wanted) in table {
            assert_eq!(parts(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_password_is_decoded_and_not_shown() {
        let url = Url::parse("http://jane:p%40ss@h").expect("a URL");
        assert!(!format!("{url:?}").contains("ss"), "{url:?}");
        let user = url.user.expect("a user");
        assert_eq!(
            (user.name.as_str(), user.password.as_str()),
            ("jane", "p@ss")
        );
    }

    #[test]
    fn nothing_makes_it_panic() {
        let pieces = [
            "https:", "//", "[", "]", ":", "@", "%", "é", "#", "?", "/", " ", "1", "\u{0}",
        ];
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let _whatever = Url::parse(&format!("{first}{second}{third}"));
                    let _whatever = Url::parse(&format!("https://{first}{second}{third}"));
                }
            }
        }
    }
}
