//! Files that are something else: each is named, with what to do. Rule: docs/protocol.md#W20

use std::fmt;

/// What a file is that holds no key in a form that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the message of each variant names the form")]
pub enum Foreign {
    Empty,
    Binary,
    Der,
    Pkcs12,
    JavaKeystore,
    Jwk,
    JsonList,
    JsonSyntax { line: usize, column: usize },
    HtmlEntities,
    PlainJsonKey,
    MetaMaskVault,
    PresaleWallet,
    RichText,
    WebPage,
    Phrase,
    PhraseInside,
    Address,
    BitcoinWif,
    ExtendedKey,
    BareBase64,
    Putty,
    OpenSsh,
    Pgp,
    Certificate,
    OnlyParameters,
}

impl Foreign {
    /// What to do with it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Empty => "Copy the file again from where the key is kept.",
            Self::Binary => {
                "Choose the file of the key itself: a Web3 keystore (JSON), PEM or hex. From other formats export the key as PEM."
            }
            Self::Der => {
                "Write it as PEM with: openssl pkey -inform DER -in key.der -out key.pem (for a public key: openssl pkey -pubin -inform DER -in key.der -out key.pem)."
            }
            Self::Pkcs12 => {
                "Take the key out with: openssl pkcs12 -in file.p12 -nocerts -out key.pem (old files need -legacy as well)."
            }
            Self::JavaKeystore => {
                "Turn it into PKCS#12 with: keytool -importkeystore -srckeystore file.jks -destkeystore file.p12 -deststoretype PKCS12. Then: openssl pkcs12 -in file.p12 -nocerts -out key.pem."
            }
            Self::Jwk => {
                "Write it as PEM (PKCS#8): in JavaScript crypto.subtle.importKey(\"jwk\", …) and exportKey(\"pkcs8\", …), in Python jwcrypto's export_to_pem. Then import the PEM, and check it with openssl pkey -in key.pem -check."
            }
            Self::JsonList => "A key file holds one key: put each entry into a file of its own.",
            Self::JsonSyntax { .. } => {
                "Take another copy of the file: in an editor a quotation mark, a comma or the end was lost."
            }
            Self::HtmlEntities => {
                "Copy the text from where the key is kept, not from a web page's source: &quot; stands for \"."
            }
            Self::PlainJsonKey => {
                "Put the hex digits of its private key, and nothing else, into a file of its own and import that. Anyone who has seen this file has the key."
            }
            Self::MetaMaskVault => {
                "In MetaMask choose Account details, Show private key, and import that; or restore from MetaMask's recovery phrase."
            }
            Self::PresaleWallet => "Turn it into a Web3 keystore with: geth wallet import file.json.",
            Self::RichText => "Open it in the program that wrote it and save it as plain text.",
            Self::WebPage => "Copy the key itself into a text file: a Web3 keystore (JSON), PEM or hex.",
            Self::Phrase | Self::PhraseInside => "Restore a wallet from the phrase, in place of importing a key.",
            Self::Address => "It can be watched, not imported: a key has 64 hex digits.",
            Self::BitcoinWif | Self::ExtendedKey => {
                "Export the private key as 64 hex digits. A Bitcoin key used here ties both chains together: a new account is better."
            }
            Self::BareBase64 => {
                "Put a line -----BEGIN PRIVATE KEY----- before it and -----END PRIVATE KEY----- after it, if it is PKCS#8; or export the key as PEM again."
            }
            Self::Putty => {
                "Open it in PuTTYgen and choose Conversions, Export OpenSSH key; then: ssh-keygen -p -m PKCS8 -f file."
            }
            Self::OpenSsh => "Convert it with: ssh-keygen -p -m PKCS8 -f file (on a copy: it changes the file).",
            Self::Pgp => "Keys of GnuPG are not taken. Make a new account here.",
            Self::Certificate => {
                "It holds a public key only. For an account that is watched: openssl x509 -in file -pubkey -noout -out public.pem."
            }
            Self::OnlyParameters => "The key is in another file, or its part of this one was lost: take another copy.",
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JsonSyntax { line, column } => {
                return write!(f, "the JSON text cannot be read at line {line}, column {column}");
            }
            Self::Empty => "the file is empty",
            Self::Binary => "this is a binary file of no known form, not a key as text",
            Self::Der => "this is a key in binary form (DER)",
            Self::Pkcs12 => "this is a PKCS#12 file (.p12, .pfx)",
            Self::JavaKeystore => "this is a Java keystore (JKS)",
            Self::Jwk => "this is a JSON Web Key (JWK)",
            Self::JsonList => "this is a JSON list, not the file of one key",
            Self::HtmlEntities => "the JSON text has HTML entities (&quot;) where quotation marks belong",
            Self::PlainJsonKey => "this is JSON with a private key that is not encrypted",
            Self::MetaMaskVault => "this is MetaMask's vault, not the file of one key",
            Self::PresaleWallet => "this is a wallet of Ethereum's presale",
            Self::RichText => "this is a rich-text document (RTF), not a plain text",
            Self::WebPage => "this is a web page or XML, not a key",
            Self::Phrase => "this is a recovery phrase, not a key",
            Self::PhraseInside => "the file holds a recovery phrase, not a key",
            Self::Address => "this is an address, not a key",
            Self::BitcoinWif => "this is a Bitcoin key (WIF)",
            Self::ExtendedKey => "this is an extended key (BIP-32, xprv or xpub), not the key of one account",
            Self::BareBase64 => "this is base64 without its BEGIN and END lines",
            Self::Putty => "this is a key of PuTTY",
            Self::OpenSsh => "this is a key in OpenSSH's own form",
            Self::Pgp => "this is a key of GnuPG (OpenPGP)",
            Self::Certificate => "this is a certificate, which holds no private key",
            Self::OnlyParameters => "the file has only the parameters of a key, not the key",
        })
    }
}
