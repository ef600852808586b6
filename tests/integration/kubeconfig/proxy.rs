//! Proxies: HTTP with and without TLS, and SOCKS 5. Every host that they are asked for is this one, so they know names that nobody else knows.

use std::io;
use std::net::Ipv4Addr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::door::Doors;

/// `jane:secret`.
const LOGIN: &str = "Basic amFuZTpzZWNyZXQ=";

impl Doors {
    /// Opens an HTTP proxy.
    pub(super) async fn http_proxy(&mut self, tls: Option<TlsAcceptor>, locked: bool) -> u16 {
        self.listen(move |stream| {
            let tls = tls.clone();
            async move {
                match tls {
                    None => http(stream, locked).await,
                    Some(tls) => http(tls.accept(stream).await?, locked).await,
                }
            }
        })
        .await
    }

    /// Opens a SOCKS proxy.
    pub(super) async fn socks_proxy(&mut self, locked: bool) -> u16 {
        self.listen(move |stream| socks(stream, locked)).await
    }
}

async fn http(mut stream: impl AsyncRead + AsyncWrite + Unpin, locked: bool) -> io::Result<()> {
    let head = head(&mut stream).await?;
    let (first, rest) = head.split_once("\r\n").unwrap_or((&head, ""));
    let words: Vec<&str> = first.split(' ').collect();
    let login = rest.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("proxy-authorization")
            .then_some(value)
    });
    if locked && login != Some(LOGIN) {
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        return stream.write_all(answer.as_bytes()).await;
    }
    if words[0] == "CONNECT" {
        let mut server = to(words[1]).await?;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        return copy_bidirectional(&mut stream, &mut server).await.map(drop);
    }
    let target = words[1]
        .strip_prefix("http://")
        .ok_or(io::ErrorKind::InvalidInput)?;
    let (host, path) = target.split_at(target.find('/').unwrap_or(target.len()));
    let mut server = to(host).await?;
    // One request a connection, or the next one would not be rewritten.
    let head = format!(
        "{} {path} HTTP/1.1\r\nConnection: close\r\n{rest}",
        words[0]
    );
    server.write_all(head.as_bytes()).await?;
    copy_bidirectional(&mut stream, &mut server).await.map(drop)
}

async fn head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

async fn to(host: &str) -> io::Result<TcpStream> {
    let port = host.rsplit(':').next().and_then(|port| port.parse().ok());
    TcpStream::connect((
        Ipv4Addr::LOCALHOST,
        port.ok_or(io::ErrorKind::InvalidInput)?,
    ))
    .await
}

/// RFC 1928 and 1929, as far as a client goes.
async fn socks(mut stream: TcpStream, locked: bool) -> io::Result<()> {
    let mut hello = [0; 2];
    stream.read_exact(&mut hello).await?;
    let mut methods = vec![0; hello[1].into()];
    stream.read_exact(&mut methods).await?;
    let method = if locked { 2 } else { 0 };
    if !methods.contains(&method) {
        return stream.write_all(&[5, 0xff]).await;
    }
    stream.write_all(&[5, method]).await?;
    if locked {
        stream.read_u8().await?;
        let login = (text(&mut stream).await?, text(&mut stream).await?);
        let good = login == (b"jane".to_vec(), b"secret".to_vec());
        stream.write_all(&[1, u8::from(!good)]).await?;
    }
    let mut asked = [0; 4];
    stream.read_exact(&mut asked).await?;
    match asked[3] {
        1 => drop(stream.read_u32().await?),
        3 => drop(text(&mut stream).await?),
        _ => drop(stream.read_u128().await?),
    }
    let port = stream.read_u16().await?;
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut stream, &mut server).await.map(drop)
}

async fn text(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut text = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut text).await?;
    Ok(text)
}
