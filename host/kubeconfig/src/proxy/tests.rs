use super::*;

fn proxy(server: &str, variables: &[(&str, &str)]) -> Option<String> {
    let server = Server::parse(server).expect("a server");
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let proxy = Proxy::of_environment(&server, variable).expect("a proxy, or none");
    proxy.map(|proxy| format!("{:?} {}:{}", proxy.kind, proxy.url.host, proxy.port))
}

/// Cases of Go's own table (golang.org/x/net/http/httpproxy), and those of our issue.
#[test]
fn exceptions_are_held_against_the_server() {
    let table = [
        ("https://example.com", "", false),
        ("https://example.com", "example.com", true),
        ("https://sub.example.com", "example.com", true),
        ("https://example.com", ".example.com", false),
        ("https://sub.example.com", ".example.com", true),
        ("https://sub.example.com", "*.example.com", true),
        ("https://myexample.com", "example.com", false),
        ("https://EXAMPLE.com", "Example.COM", true),
        ("https://example.com:6443", "example.com:6443", true),
        ("https://example.com:6443", "example.com:443", false),
        ("https://example.com", "example.com:443", true),
        ("https://10.0.0.5:6443", "10.0.0.0/8", true),
        ("https://10.0.0.5:6443", "10.0.0.0/8:6443", false),
        ("https://10.0.0.5:6443", "10.0.0.5", true),
        ("https://10.0.0.5:6443", "10.0.0.5:6443", true),
        ("https://10.0.0.5:6443", "10.0.0", false),
        ("https://10.0.0.5:6443", " 192.168.0.1 , 10.0.0.5 ", true),
        ("https://[fd00::1]:6443", "fd00::/8", true),
        ("https://[fd00::1]:6443", "fd00::1", true),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
        ("https://[fd00::1]:6443", "[fd00::1]", false),
        ("https://[::ffff:10.0.0.5]:6443", "10.0.0.0/8", true),
        ("https://example.com", "*", true),
        ("https://example.com", "a,*,b", true),
        ("https://example.com", ":443,,", false),
        ("https://127.0.0.1:6443", "", true),
        ("https://127.9.9.9:6443", "", true),
        ("https://[::1]:6443", "", true),
        ("https://localhost:6443", "", true),
        ("https://proxy.test", "proxy", false),
    ];
    for (server, exceptions, direct) in table {
        let variables = [
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("NO_PROXY", exceptions),
        ];
        let found = proxy(server, &variables);
        assert_eq!(
            found.is_none(),
            direct,
            "{server} with {exceptions:?}: {found:?}"
        );
    }
}

#[test]
fn a_variable_is_found_by_each_of_its_names() {
    let https = "https://example.com";
    let some = |text: &str| Some(text.to_owned());
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<String>);
    let table: [Case<'_>; 12] = [
        (https, &[("HTTPS_PROXY", "ftp://p:9")], some("Http p:9")),
        (https, &[("https_proxy", "p:1")], some("Http p:1")),
        (
            https,
            &[("HTTPS_PROXY", ""), ("https_proxy", "p")],
            some("Http p:80"),
        ),
        (
            https,
            &[("HTTPS_PROXY", "a"), ("https_proxy", "b")],
            some("Http a:80"),
        ),
        (
            https,
            &[("HTTPS_PROXY", "https://u:w@p")],
            some("Https p:443"),
        ),
        (
            https,
            &[("HTTPS_PROXY", "socks5://p")],
            some("Socks p:1080"),
        ),
        (
            https,
            &[("HTTPS_PROXY", "socks5h://p:9")],
            some("Socks p:9"),
        ),
        (https, &[("HTTP_PROXY", "p"), ("ALL_PROXY", "p")], None),
        (
            https,
            &[("HTTPS_PROXY", "p"), ("no_proxy", "example.com")],
            None,
        ),
        (
            https,
            &[("HTTPS_PROXY", "p"), ("NO_PROXY", "x"), ("no_proxy", "*")],
            some("Http p:80"),
        ),
        ("http://example.com", &[("HTTPS_PROXY", "p")], None),
        (
            "http://example.com",
            &[("http_proxy", "p")],
            some("Http p:80"),
        ),
    ];
    for (server, variables, wanted) in table {
        assert_eq!(
            proxy(server, variables),
            wanted,
            "{server} with {variables:?}"
        );
    }
}

#[test]
fn a_cluster_takes_the_schemes_that_kubectl_takes() {
    for (text, good) in [
        ("http://p:3128", true),
        ("https://p", true),
        ("socks5://p:1080", true),
        ("socks5h://p:1080", false),
        ("p:3128", false),
        ("http://", false),
        ("", false),
    ] {
        assert_eq!(Proxy::of_cluster(text).is_ok(), good, "{text:?}");
    }
}
