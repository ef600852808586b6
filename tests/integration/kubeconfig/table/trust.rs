//! Certificates of servers.

use super::{Row, TOKEN, WITHOUT_P521, row};

pub(super) const ROWS: &[Row] = &[
    row("trust: an authority on P-521", "server: 'https://127.0.0.1:{p521-port}', certificate-authority-data: {authority-p521}", TOKEN, "is not supported, such as on P-521").apart(WITHOUT_P521),
    row("trust: a server of another wished name is not repeated", "server: 'https://127.0.0.1:{port}', certificate-authority-data: {ca}, tls-server-name: nas.example", TOKEN, "is not valid for the name in `tls-server-name`, only for"),
    row("trust: the server's own certificate, expired", "server: 'https://127.0.0.1:{old-port}', certificate-authority-data: {old}", TOKEN, "certificate"),
    row("trust: base64 with a line break", "server: 'https://127.0.0.1:{port}', certificate-authority-data: \"{ca}\\n\"", TOKEN, ""),
    row("trust: base64 with a space", "server: 'https://127.0.0.1:{port}', certificate-authority-data: ' {ca}'", TOKEN, "`certificate-authority-data` is not base64"),
    row("trust: an authority in a file", "server: 'https://127.0.0.1:{port}', certificate-authority: '{dir}/ca'", TOKEN, "").files(&[("ca", "{ca-pem}")]),
    row("trust: a relative path", "server: 'https://127.0.0.1:{port}', certificate-authority: ca", TOKEN, "").files(&[("ca", "{ca-pem}")]),
    row("trust: words before the certificate", "server: 'https://127.0.0.1:{port}', certificate-authority: ca", TOKEN, "").files(&[("ca", "# home\r\n\r\n{ca-pem}")]),
    row("trust: the file is missing", "server: 'https://127.0.0.1:{port}', certificate-authority: ca", TOKEN, "cluster `home` (`{dir}/config`, line 6): `certificate-authority` names a file that cannot be read"),
    row("trust: the file is empty", "server: 'https://127.0.0.1:{port}', certificate-authority: ca", TOKEN, "the certificate authority holds no certificate in PEM").files(&[("ca", "")]),
    row("trust: the file and its data", "server: 'https://127.0.0.1:{port}', certificate-authority: ca, certificate-authority-data: {ca}", TOKEN, "exclude each other").files(&[("ca", "{ca-pem}")]),
    row("trust: DER", "server: 'https://127.0.0.1:{port}', certificate-authority-data: {ca-der}", TOKEN, "the certificate authority holds no certificate in PEM"),
    row("trust: two authorities", "server: 'https://127.0.0.1:{port}', certificate-authority-data: {both}", TOKEN, ""),
    row("trust: another authority", "server: 'https://127.0.0.1:{port}', certificate-authority-data: {stranger}", TOKEN, "certificate"),
    row("trust: the server's own certificate", "server: 'https://127.0.0.1:{leaf-port}', certificate-authority-data: {leaf}", TOKEN, ""),
    row("trust: the server's own certificate, another name", "server: 'https://127.0.0.1:{leaf-port}', certificate-authority-data: {leaf}, tls-server-name: nas.example", TOKEN, "certificate"),
    row("trust: an authority that is the server", "server: 'https://127.0.0.1:{own-port}', certificate-authority-data: {own}", TOKEN, ""),
    row("trust: blindly", "server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: true", TOKEN, ""),
    row("trust: blindly, with an authority", "server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: true, certificate-authority-data: {ca}", TOKEN, "`certificate-authority-data` and `insecure-skip-tls-verify` contradict each other"),
    row("trust: nobody but those of the system", "server: 'https://127.0.0.1:{port}'", TOKEN, "certificate"),
    row("trust: those of a variable", "server: 'https://127.0.0.1:{port}'", TOKEN, "").with(&[("SSL_CERT_FILE", "{dir}/ca")]).files(&[("ca", "{ca-pem}")]),
    row("trust: a server of another name", "server: 'https://127.0.0.1:{misnamed}', certificate-authority-data: {ca}", TOKEN, "certificate"),
    row("trust: a server of a wished name", "server: 'https://127.0.0.1:{misnamed}', certificate-authority-data: {ca}, tls-server-name: nas.example", TOKEN, ""),
    row("trust: not a server of a wished name", "server: 'https://127.0.0.1:{port}', certificate-authority-data: {ca}, tls-server-name: nas.example", TOKEN, "certificate"),
    row("trust: a wished address", "server: 'https://localhost:{port}', certificate-authority-data: {ca}, tls-server-name: 127.0.0.1", TOKEN, ""),
    row("trust: expired", "server: 'https://127.0.0.1:{expired}', certificate-authority-data: {ca}", TOKEN, "certificate"),
    row("trust: expired, blindly", "server: 'https://127.0.0.1:{expired}', insecure-skip-tls-verify: true", TOKEN, ""),
    row("trust: uncompressed", "server: 'https://127.0.0.1:{port}', certificate-authority-data: {ca}, disable-compression: true", TOKEN, ""),
];
