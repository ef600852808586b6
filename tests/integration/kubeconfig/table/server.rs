//! Addresses of servers.

use super::{PLAIN, Row, TOKEN, row};

pub(super) const ROWS: &[Row] = &[
    row(
        "server: plain HTTP, to which no token goes",
        PLAIN,
        TOKEN,
        "",
    ),
    row("server: no scheme", "server: '127.0.0.1:{plain}'", "", ""),
    row(
        "server: a name and no scheme",
        "server: 'localhost:{plain}'",
        "",
        "",
    ),
    row(
        "server: no scheme and a path",
        "server: 'localhost:{plain}/k8s/clusters/c-1'",
        "",
        "`server` is neither a URL nor a host and a port",
    ),
    row(
        "server: capital letters",
        "server: 'HTTPS://127.0.0.1:{port}', certificate-authority-data: {ca}",
        TOKEN,
        "",
    ),
    row(
        "server: a slash at its end",
        "server: 'https://127.0.0.1:{port}/', certificate-authority-data: {ca}",
        TOKEN,
        "",
    ),
    row(
        "server: a path",
        "server: 'https://127.0.0.1:{port}/k8s/clusters/c-1', certificate-authority-data: {ca}",
        TOKEN,
        "",
    ),
    row(
        "server: a path and a slash",
        "server: 'https://127.0.0.1:{port}/k8s/clusters/c-1/', certificate-authority-data: {ca}",
        TOKEN,
        "",
    ),
    row(
        "server: a path, a query and a fragment",
        "server: 'https://127.0.0.1:{port}/k8s/clusters/c-1?a=b#c', certificate-authority-data: {ca}",
        TOKEN,
        "",
    ),
    row(
        "server: a query",
        "server: 'https://127.0.0.1:{port}?a=b', certificate-authority-data: {ca}",
        TOKEN,
        "",
    ),
    row(
        "server: a name and a password",
        "server: 'https://jane:secret@127.0.0.1:{port}', certificate-authority-data: {ca}",
        "",
        "",
    )
    .apart("kubectl asks for a user name on the terminal, though the address has one"),
    row(
        "server: a name and a password, and a token",
        "server: 'https://jane:secret@127.0.0.1:{port}', certificate-authority-data: {ca}",
        "token: bad",
        "",
    ),
    row(
        "server: a password with a space",
        "server: 'https://jane:se cret@127.0.0.1:{port}', certificate-authority-data: {ca}",
        TOKEN,
        "`server` has a user or a password whose special characters are not encoded",
    ),
    row(
        "server: a name and a password, plain HTTP",
        "server: 'http://jane:secret@127.0.0.1:{plain}'",
        "",
        "",
    ),
    row(
        "server: an IPv4 address as IPv6",
        "server: 'https://[::ffff:127.0.0.1]:{port}', certificate-authority-data: {ca}",
        TOKEN,
        "",
    ),
    row(
        "server: a name",
        "server: 'https://localhost:{port}', certificate-authority-data: {ca}",
        TOKEN,
        "",
    ),
    row(
        "server: FTP",
        "server: 'ftp://127.0.0.1:{port}'",
        TOKEN,
        "`server` has a scheme that is neither `https` nor `http`",
    ),
    row(
        "server: one slash",
        "server: 'https:/127.0.0.1:{port}'",
        TOKEN,
        "`server` is neither a URL nor a host and a port",
    ),
    row(
        "server: nothing behind the slashes",
        "server: 'https://'",
        TOKEN,
        "`server` is neither a URL nor a host and a port",
    ),
    row(
        "server: a port that is too large",
        "server: 'https://127.0.0.1:99999'",
        TOKEN,
        "`server` has a port above 65535",
    ),
    row(
        "server: a port that is a word",
        "server: 'https://127.0.0.1:port'",
        TOKEN,
        "`server` has a port that is not a number",
    ),
    row(
        "server: a space before",
        "server: ' https://127.0.0.1:{port}'",
        TOKEN,
        "`server` ",
    ),
    row(
        "server: a space within",
        "server: 'https://127.0.0. 1:{port}'",
        TOKEN,
        "`server` has a host that is not a name",
    ),
    row(
        "server: half an IPv6 address",
        "server: 'https://[::1:{port}'",
        TOKEN,
        "`server` has a `[` without its `]`",
    ),
    row(
        "server: an open escape",
        "server: 'https://127.0.0.1:{port}/%z', certificate-authority-data: {ca}",
        TOKEN,
        "`server` has a `%` in its path that encodes nothing",
    ),
    row(
        "server: a control character",
        "server: \"https://127.0.0.1:{port}\\x07\", certificate-authority-data: {ca}",
        TOKEN,
        "`server` has a control character in it",
    ),
    row(
        "server: brackets",
        "server: 'https://<host>:6443', certificate-authority-data: {ca}",
        TOKEN,
        "`server` has a host that is not a name",
    ),
    row("server: empty", "server: ''", TOKEN, "cluster `home` (`"),
    row(
        "server: nobody there",
        "server: 'https://127.0.0.1:1', certificate-authority-data: {ca}",
        TOKEN,
        "cannot be reached",
    ),
    row(
        "server: plain HTTP to TLS",
        "server: 'http://127.0.0.1:{port}'",
        TOKEN,
        "cannot be reached",
    ),
    row(
        "server: TLS to plain HTTP",
        "server: 'https://127.0.0.1:{plain}', certificate-authority-data: {ca}",
        TOKEN,
        "cannot be reached",
    ),
];
