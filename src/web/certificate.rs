//! A certificate of this node's own, for those who have no other: made in the data directory, renewed before it ends, known
//! by its fingerprint.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::tls;
use crate::config::{TlsFiles, WebConfig};
use crate::private_file;
use crate::regular_file::{self, MAX_PEM, NotRead};

const DAY: i64 = 24 * 60 * 60;
/// How long a certificate lasts, in days. Browsers and operating systems take none of more than 825.
const LASTS: i64 = 800;
const LONGEST: i64 = 825;
/// Days before its end at which another is made.
const RENEW: i64 = 30;
/// Days that a clock of a client may be behind.
const BEHIND: i64 = 1;

/// Makes certificate and key of `web` if they are to be self-signed, and are not there yet, end soon, or cannot be used
/// together; both are readable by their owner only. A renewed one has another fingerprint.
///
/// Each file is put in place as a whole, the key first: where the process ends between the two, they do not belong
/// together, which the next look finds and mends.
///
/// # Errors
/// Where the files cannot be read or written.
pub fn prepare(web: &WebConfig) -> anyhow::Result<()> {
    let Some(files) = web.tls.as_ref().filter(|files| files.self_signed) else {
        return Ok(());
    };
    let now = now();
    if is_there(&files.cert)? && is_there(&files.key)? {
        match validity(files) {
            Ok((_, end)) if (now + RENEW * DAY..=now + LONGEST * DAY).contains(&end) => return Ok(()),
            Ok((begin, end)) => tracing::warn!(
                days = (end - begin) / DAY,
                left = (end - now) / DAY,
                "the node's own certificate is replaced: clients see another fingerprint"
            ),
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the node's own certificate cannot be used and is replaced: clients see another fingerprint"
            ),
        }
    }
    let (made, pair) = make(names(web), now)?;
    write(&files.key, &pair.serialize_pem())?;
    write(&files.cert, &made.pem())
}

/// Whether there is such a file. One that may not be read is no reason for another.
fn is_there(path: &Path) -> anyhow::Result<bool> {
    match regular_file::open(path) {
        Ok(_) => Ok(true),
        Err(NotRead::Io(error)) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The names that the certificate is for: those under which the node answers.
fn names(web: &WebConfig) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !web.listen.ip().is_unspecified() {
        names.push(web.listen.ip().to_string());
    }
    names.extend(web.allow_hosts.iter().map(ToString::to_string));
    names.sort_unstable();
    names.dedup();
    names
}

fn make(names: Vec<String>, now: i64) -> anyhow::Result<(rcgen::Certificate, KeyPair)> {
    let mut params = CertificateParams::new(names).context("cannot make a certificate")?;
    let at = |secs| OffsetDateTime::from_unix_timestamp(secs).context("this machine's clock is out of any calendar");
    params.not_before = at(now - BEHIND * DAY)?;
    params.not_after = at(now + (LASTS - BEHIND) * DAY)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Tally node");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let pair = KeyPair::generate().context("cannot make a key")?;
    let made = params.self_signed(&pair).context("cannot make a certificate")?;
    Ok((made, pair))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    private_file::replace(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

fn first(cert: &Path) -> anyhow::Result<CertificateDer<'static>> {
    let bytes = regular_file::read(cert, MAX_PEM).with_context(|| format!("cannot read {}", cert.display()))?;
    CertificateDer::from_pem_slice(&bytes).with_context(|| format!("{} is no certificate in PEM", cert.display()))
}

/// Begin and end of a certificate that handshakes could use with its key, in Unix seconds.
fn validity(files: &TlsFiles) -> anyhow::Result<(i64, i64)> {
    tls::read(files)?;
    let der = first(&files.cert)?;
    let parsed = x509_parser::parse_x509_certificate(&der);
    let (_, parsed) = parsed.with_context(|| format!("{} is no certificate", files.cert.display()))?;
    let validity = parsed.validity();
    Ok((validity.not_before.timestamp(), validity.not_after.timestamp()))
}

/// The SHA-256 of the first certificate in a PEM file, as browsers show it: `AB:CD:…`.
pub fn fingerprint(cert: &Path) -> anyhow::Result<String> {
    let der = first(cert)?;
    let bytes: Vec<_> = Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(bytes.join(":"))
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::GeneralName;

    use super::*;
    use crate::config::HostName;

    fn web(folder: &Path) -> WebConfig {
        WebConfig {
            allow_hosts: vec![HostName::parse("ledger.example").expect("a name")],
            tls: Some(TlsFiles {
                cert: folder.join("cert.pem"),
                key: folder.join("key.pem"),
                self_signed: true,
            }),
            ..WebConfig::default()
        }
    }

    #[test]
    fn it_is_for_servers_named_and_of_a_length_that_browsers_take() {
        let folder = tempfile::tempdir().expect("a folder");
        let web = web(folder.path());
        prepare(&web).expect("made");
        let der = first(&folder.path().join("cert.pem")).expect("PEM");
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).expect("a certificate");
        assert_eq!(parsed.subject().to_string(), "CN=Tally node");
        let usage = parsed.extended_key_usage().expect("well-formed").expect("there");
        assert!(usage.value.server_auth && !usage.value.client_auth && !usage.value.any);
        let days = parsed.validity().time_to_expiration().expect("not over").whole_days();
        assert!((790..=825).contains(&days), "{days}");
        let names = &parsed
            .subject_alternative_name()
            .expect("well-formed")
            .expect("there")
            .value;
        let named = |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName("ledger.example"));
        assert!(names.general_names.iter().any(named), "{names:?}");
    }

    #[test]
    fn it_stays_until_it_ends_soon() {
        let folder = tempfile::tempdir().expect("a folder");
        let web = web(folder.path());
        let cert = folder.path().join("cert.pem");
        prepare(&web).expect("made");
        let made = fingerprint(&cert).expect("a certificate");
        prepare(&web).expect("kept");
        assert_eq!(fingerprint(&cert).expect("a certificate"), made);
        // One that was made long ago, and one of those that were made to last for ever.
        for now in [now() - (LASTS - RENEW) * DAY, now() + 10 * 365 * DAY] {
            let (old, pair) = make(names(&web), now).expect("made");
            write(&folder.path().join("key.pem"), &pair.serialize_pem()).expect("written");
            write(&cert, &old.pem()).expect("written");
            let old = fingerprint(&cert).expect("a certificate");
            prepare(&web).expect("renewed");
            assert_ne!(fingerprint(&cert).expect("a certificate"), old);
        }
    }
    /// Certificate and key are usable, private, and alone in their folder.
    fn in_order(web: &WebConfig, folder: &Path) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let files = web.tls.as_ref().expect("TLS");
        tls::read(files).expect("they belong together");
        for path in [&files.cert, &files.key] {
            let mode = std::fs::metadata(path).expect("is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
        assert_eq!(std::fs::read_dir(folder).expect("reads").count(), 2);
        fingerprint(&files.cert).expect("a certificate")
    }

    #[test]
    fn whatever_a_crash_left_is_mended_at_the_next_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let web = web(folder.path());
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        prepare(&web).expect("made");
        let mut before = in_order(&web, folder.path());
        let (other, pair) = make(names(&web), now()).expect("made");
        let (other, pair) = (other.pem(), pair.serialize_pem());
        type Damage<'a> = (&'a str, &'a dyn Fn());
        let damages: [Damage<'_>; 6] = [
            ("between the two files", &|| write(&key, &pair).expect("written")),
            ("the certificate of another key", &|| {
                write(&cert, &other).expect("written")
            }),
            ("a certificate in part", &|| {
                write(&cert, &other[..other.len() / 2]).expect("written")
            }),
            ("a key in part", &|| {
                write(&key, &pair[..pair.len() / 2]).expect("written")
            }),
            ("an empty key", &|| write(&key, "").expect("written")),
            ("no certificate", &|| std::fs::remove_file(&cert).expect("removed")),
        ];
        for (what, damage) in damages {
            damage();
            prepare(&web).unwrap_or_else(|error| panic!("{what}: {error:#}"));
            let after = in_order(&web, folder.path());
            assert_ne!(after, before, "{what}");
            prepare(&web).expect("kept");
            assert_eq!(in_order(&web, folder.path()), after, "{what}: made once");
            before = after;
        }
    }

    #[test]
    fn a_file_that_may_not_be_read_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let web = web(folder.path());
        prepare(&web).expect("made");
        let (cert, held) = (folder.path().join("cert.pem"), folder.path().join("held.pem"));
        std::fs::rename(&cert, &held).expect("renamed");
        // A link to itself cannot be opened, not even by root.
        std::os::unix::fs::symlink(&cert, &cert).expect("linked");
        let error = prepare(&web).expect_err("it is not known what is there").to_string();
        assert_eq!(error, format!("cannot read {}", cert.display()));
        assert!(cert.is_symlink());
    }
}
