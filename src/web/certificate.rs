//! A certificate of this node's own, for those who have no other: made once, kept, known by its fingerprint.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use crate::config::{TlsFiles, WebConfig};

/// Makes certificate and key of `web` if they are to be self-signed and are not there yet; both are readable by their owner only.
pub fn prepare(web: &WebConfig) -> anyhow::Result<()> {
    let Some(TlsFiles {
        cert,
        key,
        self_signed: true,
    }) = &web.tls
    else {
        return Ok(());
    };
    if cert.exists() && key.exists() {
        return Ok(());
    }
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !web.listen.ip().is_unspecified() {
        names.push(web.listen.ip().to_string());
    }
    names.extend(web.allow_hosts.iter().cloned());
    names.sort_unstable();
    names.dedup();
    let made = rcgen::generate_simple_self_signed(names).context("cannot make a certificate")?;
    write(key, &made.key_pair.serialize_pem())?;
    write(cert, &made.cert.pem())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    // Never over a file that others may already have open.
    let _ = std::fs::remove_file(path);
    let file = crate::new_file::private(path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    Ok(file.sync_all()?)
}

/// The SHA-256 of the first certificate in a PEM file, as browsers show it: `AB:CD:…`.
pub fn fingerprint(cert: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(cert).with_context(|| format!("cannot read {}", cert.display()))?;
    let lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "-----BEGIN CERTIFICATE-----")
        .skip(1);
    let encoded: String = lines.take_while(|line| !line.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(encoded);
    let der = der.with_context(|| format!("{} is no certificate in PEM", cert.display()))?;
    let bytes: Vec<_> = Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(bytes.join(":"))
}
