//! Tokens, passwords, certificates, and who is impersonated.

use super::{PLAIN, Row, TLS, WITHOUT_P521, row};

pub(super) const ROWS: &[Row] = &[
    row(
        "token: in a file, with a new line",
        TLS,
        "tokenFile: tok",
        "",
    )
    .files(&[("tok", "good\n")]),
    row("token: in a file, with CR LF", TLS, "tokenFile: tok", "").files(&[("tok", "good\r\n")]),
    row(
        "token: in a file, with spaces",
        TLS,
        "tokenFile: '{dir}/tok'",
        "",
    )
    .files(&[("tok", "  good \n\n")]),
    row(
        "token: the file is missing",
        TLS,
        "tokenFile: tok",
        "user `me` (`{dir}/config`, line 12): `tokenFile` names a file that cannot be read",
    ),
    row(
        "token: empty, and the file is missing",
        TLS,
        "token: '', tokenFile: tok",
        "`tokenFile` names a file that cannot be read",
    ),
    row(
        "token: the file is empty",
        TLS,
        "tokenFile: tok",
        "`tokenFile` names a file without a token in it",
    )
    .files(&[("tok", "")]),
    row(
        "token: the file has only a new line",
        TLS,
        "tokenFile: tok",
        "`tokenFile` names a file without a token in it",
    )
    .files(&[("tok", "\n")]),
    row(
        "token: the file counts more",
        TLS,
        "token: bad, tokenFile: tok",
        "",
    )
    .files(&[("tok", "good\n")]),
    row(
        "token: the file counts more, though it is bad",
        TLS,
        "token: good, tokenFile: tok",
        "does not accept the credentials",
    )
    .files(&[("tok", "bad\n")]),
    row(
        "token: it counts when the file is missing",
        TLS,
        "token: good, tokenFile: tok",
        "",
    ),
    row(
        "token: with a line break",
        TLS,
        "token: \"good\\n\"",
        "`token` has a line break or another control character in it",
    ),
    row(
        "token: wrong",
        TLS,
        "token: bad",
        "does not accept the credentials",
    ),
    row(
        "password: right",
        TLS,
        "username: jane, password: secret",
        "",
    ),
    row(
        "password: wrong",
        TLS,
        "username: jane, password: other",
        "does not accept the credentials",
    ),
    row(
        "password: and a token",
        TLS,
        "username: jane, password: secret, token: good",
        "`token` and `username` with `password` exclude each other",
    ),
    row(
        "password: and a token in a file",
        TLS,
        "username: jane, password: secret, tokenFile: tok",
        "`tokenFile` and `username` with `password` exclude each other",
    )
    .files(&[("tok", "good")]),
    row(
        "certificate: as data",
        TLS,
        "client-certificate-data: {cert}, client-key-data: {key}",
        "",
    ),
    row(
        "certificate: in files",
        TLS,
        "client-certificate: cert, client-key: '{dir}/key'",
        "",
    )
    .files(&[("cert", "{cert-pem}"), ("key", "{key-pem}")]),
    row(
        "certificate: in a file, the key as data",
        TLS,
        "client-certificate: cert, client-key-data: {key}",
        "",
    )
    .files(&[("cert", "{cert-pem}")]),
    row(
        "certificate: and a token",
        TLS,
        "client-certificate-data: {cert}, client-key-data: {key}, token: good",
        "",
    ),
    row(
        "certificate: both in one file",
        TLS,
        "client-certificate: both, client-key: both",
        "",
    )
    .files(&[("both", "{key-pem}{cert-pem}")]),
    row(
        "certificate: parameters before the key",
        TLS,
        "client-certificate-data: {cert}, client-key-data: {key-explained}",
        "",
    ),
    row(
        "certificate: words before the certificate",
        TLS,
        "client-certificate-data: {cert-explained}, client-key-data: {key}",
        "",
    ),
    row(
        "certificate: a key with another headline",
        TLS,
        "client-certificate-data: {cert}, client-key-data: {key-renamed}",
        "",
    ),
    row(
        "certificate: a key of somebody else",
        TLS,
        "client-certificate-data: {cert}, client-key-data: {key-other}",
        "the client key does not belong to the client certificate",
    ),
    row(
        "certificate: a locked key",
        TLS,
        "client-certificate-data: {cert}, client-key-data: {key-locked}",
        "the client key is locked with a passphrase",
    ),
    row(
        "certificate: without a key",
        TLS,
        "client-certificate-data: {cert}",
        "it has a client certificate and no `client-key`",
    ),
    row(
        "certificate: in a file and as data",
        TLS,
        "client-certificate: cert, client-certificate-data: {cert}, client-key-data: {key}",
        "`client-certificate` and its `-data` exclude each other",
    )
    .files(&[("cert", "{cert-pem}")]),
    row(
        "certificate: the key in a file and as data",
        TLS,
        "client-certificate-data: {cert}, client-key: key, client-key-data: {key}",
        "`client-key` and its `-data` exclude each other",
    )
    .files(&[("key", "{key-pem}")]),
    row(
        "certificate: the file of the key is missing",
        TLS,
        "client-certificate-data: {cert}, client-key: key",
        "`client-key` names a file that cannot be read",
    ),
    row(
        "certificate: none in its data",
        TLS,
        "client-certificate-data: Z2FyYmFnZQ==, client-key-data: {key}",
        "the client certificate holds no certificate in PEM",
    ),
    row(
        "certificate: no key in its data",
        TLS,
        "client-certificate-data: {cert}, client-key-data: Z2FyYmFnZQ==",
        "the client key holds no private key in PEM",
    ),
    row(
        "certificate: a key alone",
        TLS,
        "client-key-data: {key}, token: good",
        "",
    ),
    row(
        "certificate: RSA, PKCS 8",
        TLS,
        "client-certificate-data: {cert-rsa}, client-key-data: {key-rsa}",
        "",
    ),
    row(
        "certificate: RSA, PKCS 1",
        TLS,
        "client-certificate-data: {cert-rsa}, client-key-data: {key-rsa-old}",
        "",
    ),
    row(
        "certificate: P-256, PKCS 8",
        TLS,
        "client-certificate-data: {cert-ec}, client-key-data: {key-ec}",
        "",
    ),
    row(
        "certificate: P-256, SEC 1",
        TLS,
        "client-certificate-data: {cert-ec}, client-key-data: {key-ec-old}",
        "",
    ),
    row(
        "certificate: Ed25519",
        TLS,
        "client-certificate-data: {cert-ed25519}, client-key-data: {key-ed25519}",
        "",
    ),
    row(
        "certificate: of version 1",
        "server: 'https://127.0.0.1:{unasking}', certificate-authority-data: {ca}",
        "client-certificate-data: {cert-1}, client-key-data: {key-ec}, token: good",
        "",
    ),
    row(
        "certificate: on P-521",
        "server: 'https://127.0.0.1:{unasking}', certificate-authority-data: {ca}",
        "client-certificate-data: {cert-p521}, client-key-data: {key-p521}, token: good",
        "the client key is on the curve P-521, which is not supported",
    )
    .apart(WITHOUT_P521),
    row(
        "certificate: a missing file, plain HTTP",
        PLAIN,
        "client-certificate: cert, client-key: key",
        "`client-certificate` names a file that cannot be read",
    ),
    row(
        "as: with everything",
        TLS,
        "token: good, as: jane, as-uid: '7', as-groups: [a, b], as-user-extra: {Foo/Bar%: [x, z]}",
        "",
    ),
    row("as: plain HTTP", PLAIN, "as: jane", ""),
    row(
        "as: groups without a user",
        TLS,
        "token: good, as-groups: [a]",
        "`as-uid`, `as-groups` and `as-user-extra` need `as`",
    ),
    row(
        "as: a line break",
        TLS,
        "token: good, as: \"a\\nb\"",
        "`as` and its like have a character that no header can hold",
    ),
    row(
        "provider: gcp",
        TLS,
        "auth-provider: {name: gcp, config: {access-token: good}}",
        "`auth-provider` is none that kubectl still knows",
    ),
    row(
        "provider: gcp, and a token",
        TLS,
        "token: good, auth-provider: {name: gcp}",
        "`auth-provider` is none that kubectl still knows",
    ),
    row(
        "provider: oidc, expired",
        TLS,
        "auth-provider: {name: oidc, config: {id-token: a.e30.c, client-id: x, idp-issuer-url: 'https://127.0.0.1:1'}}",
        "the `id-token` of `auth-provider` has expired",
    ),
];
