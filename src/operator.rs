//! The operator's own tokens, given at the start: bearer tokens with scopes, kept as hashes. Those that are created while the node
//! runs are in `src/tokens.rs`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::config::ConfigError;
use crate::regular_file::{self, NotRead};
use crate::tokens::{Scope, Scopes};

/// Longest token file, in bytes.
pub(crate) const MAX_FILE: u64 = 1 << 20;
/// Fewest characters of a token.
const MIN_TOKEN: usize = 16;

/// Where the tokens come from.
#[derive(Clone)]
pub enum TokenSource {
    /// One token with every scope.
    Inline(Zeroizing<String>),
    /// A file the operator keeps.
    File(PathBuf),
    /// A file that is made with a random token if it is missing.
    DataDir(PathBuf),
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline(hidden)"),
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::DataDir(path) => write!(f, "DataDir({})", path.display()),
        }
    }
}

impl TokenSource {
    pub fn inline(token: String) -> Result<Self, ConfigError> {
        let token = Zeroizing::new(token);
        match token.len() {
            len if len < MIN_TOKEN => Err(ConfigError::ShortToken { len, min: MIN_TOKEN }),
            _ => Ok(Self::Inline(token)),
        }
    }

    /// Reads the tokens, or makes one. The first one is for the operator's link.
    pub fn load(&self) -> Result<(Tokens, Zeroizing<String>), ConfigError> {
        let text = match self {
            Self::Inline(token) => token.clone(),
            Self::File(path) => read_private(path, MAX_FILE)?,
            Self::DataDir(path) if path.exists() => read_private(path, MAX_FILE)?,
            Self::DataDir(path) => make(path)?,
        };
        Tokens::parse(&text)?.ok_or_else(|| match self {
            Self::Inline(_) => ConfigError::ShortToken { len: 0, min: MIN_TOKEN },
            Self::File(path) | Self::DataDir(path) => ConfigError::NoToken { path: path.clone() },
        })
    }
}

struct Token {
    hash: [u8; 32],
    scopes: Scopes,
}

/// Known tokens; only their hashes are held.
pub struct Tokens(Vec<Token>);

impl Tokens {
    /// One token a line, then its scopes; `#` begins a comment. `None` when there is no token.
    fn parse(text: &str) -> Result<Option<(Self, Zeroizing<String>)>, ConfigError> {
        let mut tokens = Vec::new();
        let mut first = None;
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (token, scopes) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            if token.len() < MIN_TOKEN {
                return Err(ConfigError::ShortToken {
                    len: token.len(),
                    min: MIN_TOKEN,
                });
            }
            let scopes: Scopes = match scopes.trim() {
                "" => Scope::ALL.into(),
                list => list
                    .split(',')
                    .map(|word| parse(word.trim()))
                    .collect::<Result<_, _>>()?,
            };
            let hash: [u8; 32] = Sha256::digest(token).into();
            match tokens.iter_mut().find(|known: &&mut Token| known.hash == hash) {
                // A token that stands there twice has the scopes of both lines.
                Some(known) => known.scopes.extend(scopes),
                None => tokens.push(Token { hash, scopes }),
            }
            first.get_or_insert_with(|| Zeroizing::new(token.to_owned()));
        }
        Ok(first.map(|first| (Self(tokens), first)))
    }

    /// Scopes of the first token.
    pub fn first(&self) -> &Scopes {
        // There is one: without any, `parse` makes none of these.
        &self.0[0].scopes
    }

    /// The number of a token, from 0 on in the order of the file, and its scopes. Compares in a time that does not depend on the
    /// tokens' content.
    pub fn find(&self, presented: &str) -> Option<(usize, &Scopes)> {
        let hash: [u8; 32] = Sha256::digest(presented).into();
        let same: Vec<Choice> = self.0.iter().map(|token| token.hash.ct_eq(&hash)).collect();
        let number = same.into_iter().position(bool::from)?;
        Some((number, &self.0[number].scopes))
    }
}

fn parse(word: &str) -> Result<Scope, ConfigError> {
    Scope::named(word).ok_or_else(|| ConfigError::UnknownScope { found: word.to_owned() })
}

/// Reads a file of secrets of at most `limit` bytes that only its owner may read.
pub(crate) fn read_private(path: &Path, limit: u64) -> Result<Zeroizing<String>, ConfigError> {
    read_as_credential(path, limit, std::env::var_os("CREDENTIALS_DIRECTORY").as_deref())
}

/// Reads a file that only its owner may read. What systemd hands a service in `credentials` it protects by an access control
/// list, which shows as read permission of the group.
fn read_as_credential(path: &Path, limit: u64, credentials: Option<&OsStr>) -> Result<Zeroizing<String>, ConfigError> {
    let failed = |source| ConfigError::TokenFile {
        path: path.to_owned(),
        source,
    };
    let (file, found) = regular_file::open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = found.permissions().mode() & 0o777;
        let others = match credentials.is_some_and(|folder| path.starts_with(folder)) {
            true => 0o037,
            false => 0o077,
        };
        if mode & others != 0 {
            return Err(ConfigError::OpenTokenFile {
                path: path.to_owned(),
                mode,
            });
        }
    }
    let bytes = regular_file::read_open(&file, &found, limit).map_err(failed)?;
    let bytes = Zeroizing::new(bytes);
    // The error names a place, none of the bytes.
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        failed(NotRead::NotUtf8 {
            at: error.valid_up_to(),
        })
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn make(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let failed = |error: std::io::Error| ConfigError::TokenFile {
        path: path.to_owned(),
        source: error.into(),
    };
    let mut bytes = Zeroizing::new([0u8; 32]);
    getrandom::fill(&mut bytes[..]).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
    let token = Zeroizing::new(alloy_primitives::hex::encode(bytes.as_slice()));
    let line = Zeroizing::new(format!("{}\n", token.as_str()));
    // A part of a token would be a token of its own at the next start, or none.
    crate::private_file::create(path, line.as_bytes()).map_err(failed)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_scopes() {
        let text = "# ours\n0123456789abcdef\n\nfedcba9876543210 mining\n";
        let (tokens, first) = Tokens::parse(text).expect("valid").expect("two tokens");
        assert_eq!(first.as_str(), "0123456789abcdef");
        let (all, mining) = (Scopes::from(Scope::ALL), Scopes::from([Scope::Mining]));
        assert_eq!(tokens.find("0123456789abcdef"), Some((0, &all)));
        assert_eq!(tokens.find("fedcba9876543210"), Some((1, &mining)));
        assert_eq!(tokens.find("fedcba987654321"), None);
        assert_eq!(tokens.find(""), None);
        let error = Tokens::parse("0123456789abcdef mine").err().expect("no such scope");
        assert_eq!(
            error.to_string(),
            "scope \"mine\" is unknown; there are mining, peers, load, lab, audit, metrics, tokens, read"
        );
    }

    #[test]
    fn a_token_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = TokenSource::DataDir(folder.path().join("new/operator-token"));
        let (_, first) = source.load().expect("made");
        let (_, again) = source.load().expect("read");
        assert_eq!(first.as_str(), again.as_str());
        assert_eq!(first.len(), 64);
        let kept = folder.path().join("new");
        assert_eq!(
            std::fs::read_dir(&kept).expect("reads").count(),
            1,
            "put in place as a whole"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let path = folder.path().join("new/operator-token");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("our own file");
            let error = source.load().err().expect("open to others").to_string();
            assert!(error.contains("readable by others (mode 644)"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_credential_of_systemd_shows_the_mask_of_its_list_as_the_groups_permission() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens");
        std::fs::write(&path, "0123456789abcdef mining").expect("written");
        let read = |mode, credentials: Option<&Path>| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("our own file");
            let read = read_as_credential(&path, MAX_FILE, credentials.map(Path::as_os_str));
            read.map(drop).map_err(|error| error.to_string())
        };
        let open = |mode: &str| -> Result<(), String> {
            let shown = path.display();
            Err(format!(
                "operator token file {shown} is readable by others (mode {mode}); run chmod 600 on it"
            ))
        };
        let elsewhere = folder.path().join("elsewhere");
        assert_eq!(read(0o440, Some(folder.path())), Ok(()));
        assert_eq!(read(0o444, Some(folder.path())), open("444"), "all may read it");
        assert_eq!(read(0o460, Some(folder.path())), open("460"), "a group may write it");
        assert_eq!(read(0o440, Some(&elsewhere)), open("440"));
        assert_eq!(read(0o440, None), open("440"));
        assert_eq!(read(0o400, None), Ok(()));
    }

    #[test]
    fn tokens_are_read_from_a_regular_file_of_their_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = crate::regular_file::testing::pipe(folder.path());
        let private = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            crate::private_file::create(&path, bytes).expect("written");
            path
        };
        for (path, why) in [
            (pipe, "it is no regular file"),
            (
                private("long", &vec![b'#'; (1 << 20) + 1]),
                "it has more than 1048576 bytes",
            ),
            (
                private("binary", b"0123456789abcdef\xff"),
                "it is not UTF-8 from byte 16 on",
            ),
        ] {
            for source in [TokenSource::File(path.clone()), TokenSource::DataDir(path.clone())] {
                let error = source.load().err().expect("no tokens").to_string();
                assert_eq!(error, format!("operator token file {}: {why}", path.display()));
            }
        }
    }
}
