//! HTTP without TLS on a port of TLS: the client gets an answer in the protocol that it speaks.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// The first byte of a TLS handshake. RFC 8446, section 5.1
pub const HANDSHAKE: u8 = 0x16;

const TEXT: &str = "This is an HTTPS port: use https:// in the address.\n";
/// How long the client may take to read it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers 400 with one line of text, and ends the connection.
pub async fn refuse(mut stream: TcpStream) {
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n{TEXT}",
        TEXT.len()
    );
    let written = async {
        // What the client sent is taken first: unread bytes would make the system reset the connection over the answer.
        let _ = stream.try_read(&mut [0; 4_096]);
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    // A client that is gone needs no answer.
    let _ = tokio::time::timeout(PATIENCE, written).await;
}
