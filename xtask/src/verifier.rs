//! `verify.html`: the offline verifier as one file, with script, style and module in it.
//!
//! ```text
//! build/verify.html.gz   what the server binary embeds, and `tally light export` writes
//! ```
//!
//! The same build gives the same bytes. Their SHA-256 is printed, for the release notes: readers compare it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use base64ct::{Base64, Encoding as _};
use sha2::{Digest, Sha256};

use crate::front;
use crate::site;
use crate::workspace::{Profile, Workspace};

/// What the file may weigh, in bytes as it is: it is opened from disks and sent by mail.
const MOST: usize = 2_000_000;

/// Builds it into `build/`, and returns its SHA-256 in hex.
pub fn build(workspace: &Workspace, profile: Profile) -> Result<String> {
    let mut made = front::verifier(workspace, profile)?;
    let module = made.remove("verify.wasm").context("the verifier has no module")?;
    let glue = text(made.remove("verify.js").context("the verifier has no script")?)?;
    // Everything has to be in the one file.
    ensure!(made.is_empty(), "the verifier has more files: {:?}", made.keys());
    let folder = workspace.root.join("verify/page");
    let read = |name: &str| -> Result<String> {
        fs::read_to_string(folder.join(name)).with_context(|| format!("cannot read verify/page/{name}"))
    };
    let page = page(&Parts {
        template: &read("index.html")?,
        style: &read("verify.css")?,
        script: &format!("{glue}\n{}", read("verify.js")?),
        module: &module,
        version: env!("CARGO_PKG_VERSION"),
    })?;
    let len = page.len();
    if profile == Profile::Release && len > MOST {
        bail!("verify.html has {len} bytes, at most {MOST} are allowed (xtask/src/verifier.rs)");
    }
    let packed = site::gzip(page.as_bytes())?;
    let file = file(workspace);
    if fs::read(&file).ok().as_ref() != Some(&packed) {
        fs::write(&file, &packed).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let sha256 = hex(&Sha256::digest(&page));
    println!("verify.html  {} KB, SHA-256 {sha256}", len / 1000);
    Ok(sha256)
}

/// Where it is with a digest, for the server's build script.
pub fn name(workspace: &Workspace) -> Result<String> {
    let file = file(workspace);
    let packed = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(format!("{} {}", file.display(), site::hex16(&Sha256::digest(&packed))))
}

fn file(workspace: &Workspace) -> PathBuf {
    workspace.root.join("build/verify.html.gz")
}

/// What the page is made of.
struct Parts<'a> {
    template: &'a str,
    style: &'a str,
    script: &'a str,
    module: &'a [u8],
    version: &'a str,
}

/// The page. Its policy names the digests of its own script and style, so that nothing else runs in it.
fn page(parts: &Parts<'_>) -> Result<String> {
    // Whatever ends an element early would not be what the digest is of.
    for (what, text) in [("script", parts.script), ("style", parts.style)] {
        let lower = text.to_lowercase();
        ensure!(
            !lower.contains(&format!("</{what}")) && !lower.contains("<!--"),
            "the {what} of verify.html cannot stand in a page"
        );
    }
    let source = |text: &str| format!("sha256-{}", Base64::encode_string(&Sha256::digest(text)));
    let (script_hash, style_hash) = (source(parts.script), source(parts.style));
    let module = Base64::encode_string(parts.module);
    let fields = [
        ("{script-hash}", script_hash.as_str()),
        ("{style-hash}", &style_hash),
        ("{version}", parts.version),
        ("{style}", parts.style),
        ("{module}", &module),
        ("{script}", parts.script),
    ];
    // From left to right, so that nothing that was put in is looked at again.
    let (mut page, mut rest) = (String::new(), parts.template);
    for _ in fields {
        let next = fields
            .iter()
            .filter_map(|field| Some((rest.find(field.0)?, field)))
            .min_by_key(|(at, _)| *at);
        let Some((at, (name, text))) = next else {
            bail!("verify/page/index.html lacks a place");
        };
        page.push_str(&rest[..at]);
        page.push_str(text);
        rest = &rest[at + name.len()..];
    }
    page.push_str(rest);
    Ok(page)
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).context("the verifier's script is not UTF-8")
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../verify/page/index.html");

    fn made(script: &str, style: &str) -> Result<String> {
        page(&Parts {
            template: TEMPLATE,
            style,
            script,
            module: b"\0asm",
            version: "1.2.3",
        })
    }

    #[test]
    fn the_policy_names_what_is_in_the_page() {
        let page = made("run('{module}')", "a{}").expect("whole");
        // What looks like a place within a part stays as it is.
        assert!(page.contains("<script>run('{module}')</script>"), "{page}");
        assert!(page.contains("<style>a{}</style>") && page.contains("Version 1.2.3."));
        assert!(page.contains("id=\"module\">AGFzbQ==</script>"));
        for text in ["run('{module}')", "a{}"] {
            let source = format!("'sha256-{}'", Base64::encode_string(&Sha256::digest(text)));
            assert!(page.contains(&source), "{source}");
        }
        assert!(page.contains("default-src 'none'") && !page.contains("unsafe-inline") && !page.contains("http:"));
        assert_eq!(page, made("run('{module}')", "a{}").expect("whole"), "the same bytes");
    }

    #[test]
    fn what_would_end_early_is_no_part() {
        for (script, style) in [("'</SCRIPT>'", ""), ("<!-- x", ""), ("", "</style>")] {
            let error = made(script, style).expect_err("it ends early").to_string();
            assert!(error.ends_with("cannot stand in a page"), "{error}");
        }
    }

    #[test]
    fn the_page_names_no_address() {
        // But for those of XML and of nothing at all, there is none.
        let script = include_str!("../../verify/page/verify.js");
        let style = include_str!("../../verify/page/verify.css");
        for text in [TEMPLATE, script, style] {
            for call in [
                "http://",
                "https://",
                "fetch(",
                "XMLHttpRequest",
                "WebSocket",
                "url(",
                "import(",
                "src=",
                "href=",
            ] {
                assert!(!text.contains(call), "{call}");
            }
        }
    }
}
