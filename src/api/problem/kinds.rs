//! Every kind of problem, with its stable name. Names are never reused for something else.

/// One kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The last part of its `type`.
    pub name: &'static str,
    /// HTTP status.
    pub status: u16,
    pub title: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

impl Kind {
    /// The problem's `type`: a path on this node, where it is explained.
    pub fn path(&self) -> String {
        format!("/problems/{}", self.name)
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|kind| kind.name == name)
    }
}

macro_rules! kinds {
    ($($constant:ident $status:literal $name:literal $title:literal $advice:literal;)*) => {
        $(pub static $constant: Kind = Kind { name: $name, status: $status, title: $title, advice: $advice };)*
        /// All kinds, in the order of this file.
        pub static ALL: &[&Kind] = &[$(&$constant),*];
    };
}

kinds! {
    // The request itself.
    NOT_FOUND 404 "not-found" "There is nothing at this path" "Look at /api/docs for the paths that exist.";
    METHOD_NOT_ALLOWED 405 "method-not-allowed" "This path does not take this method" "The header Allow lists the methods it takes.";
    BODY_TOO_LARGE 413 "body-too-large" "The body is larger than this path takes" "Send less at once; transactions can be split over several batches.";
    UNSUPPORTED_MEDIA_TYPE 415 "unsupported-media-type" "The body's media type is not taken here" "Send application/json, or application/octet-stream where a path says so.";
    MALFORMED_JSON 400 "malformed-json" "The body is not JSON" "Send exactly one JSON value in UTF-8.";
    JSON_TOO_DEEP 400 "json-too-deep" "The JSON is nested too deeply" "No body that this API takes is nested more than a few levels.";
    INVALID_FIELD 422 "invalid-field" "A field of the body is missing, unknown or of the wrong form" "Compare the body with its schema in /api/docs.";
    INVALID_PARAMETER 400 "invalid-parameter" "A parameter is missing, unknown or of the wrong form" "Compare the parameters with /api/docs.";
    INVALID_CURSOR 400 "invalid-cursor" "The cursor is not one that this list gave out" "Begin the list again without a cursor.";
    INVALID_HEX 422 "invalid-hex" "The text is not 0x-prefixed hex" "Write bytes as 0x and two hex digits each.";
    INVALID_ADDRESS 422 "invalid-address" "The text is not an address" "Copy the address again; mixed case carries a checksum.";
    INVALID_ID 400 "invalid-id" "The text is not an id" "Ids are 64 hex digits; a block may also be named by its height.";
    UNKNOWN_HOST 421 "unknown-host" "This node does not answer under that name" "Use the address from the node's banner, or start it with --allow-host NAME.";
    TOO_MANY_REQUESTS 429 "too-many-requests" "Too many requests in a short time" "Wait as long as the header Retry-After says.";
    TOO_MANY_STREAMS 503 "too-many-streams" "Too many event streams are open" "Try again later; the operator can raise --max-streams.";
    TIMEOUT 503 "timeout" "The node took too long" "Try again; if it stays so, the node is overloaded.";
    SHUTTING_DOWN 503 "shutting-down" "The node is about to end" "Try again when it is back.";
    BAD_REQUEST 400 "bad-request" "The request is not one this server understands" "Compare it with /api/docs.";
    BAD_TARGET 400 "bad-target" "The target of the request is not a path" "Request a path such as /api/v1/status; this server is no proxy.";
    BUSY 503 "busy" "The node is busy with other requests" "Wait as long as the header Retry-After says.";
    INTERNAL 500 "internal" "The node failed while answering" "Report the request id to the operator; the log has the cause.";
    STORE_FAILED 500 "store-failed" "The node could not read or write its store" "Report the request id to the operator; the disk may be full or failing.";
    NOTHING_STORED 503 "nothing-stored" "The node can store nothing now" "Send the same bytes again later; /readyz says what is wrong.";
    TOKEN_MISSING 401 "token-missing" "This needs a token" "Send one with the scope that is named here, as Authorization: Bearer TOKEN; the node's banner has the operator link, or names the file of the operator's token.";
    TOKEN_UNKNOWN 401 "token-unknown" "The token is not one of this node's" "It may have been revoked or rotated, or be of another node. Open a new operator link, or paste the token of the operator's file under Settings.";
    SCOPE_MISSING 403 "scope-missing" "The token does not reach that far" "Use a token with the scope named in this problem.";
    TOKEN_EXPIRED 401 "token-expired" "The token has expired" "Create another one, or have one created.";
    TOKEN_ADDRESS 403 "token-address" "The token is not taken from this address" "Send it from an address of its range, or have one created for this address.";
    LINK_USED 410 "link-used" "The operator link has been used" "A link works once. Make another with `tally token link`, or paste the token of the operator's file under Settings.";
    INVALID_TOKEN 422 "invalid-token" "The token cannot be like this" "The field and its limit are named here.";
    UNKNOWN_TOKEN 404 "no-such-token" "There is no token with this id" "GET /api/v1/tokens lists those that are.";
    TOO_MANY_TOKENS 409 "too-many-tokens" "The node has as many tokens as it keeps" "Revoke one that is not used any more.";
    BEYOND_REACH 403 "beyond-reach" "A token gives nobody more than it has itself" "Use a token with the scopes, the time and the addresses of the one that is asked for.";
    LOG_FAILED 503 "log-failed" "The log of operator actions cannot be written" "Look at the disk and at the log of the node's process. Until it can be written again, operators change nothing.";
    NETWORK_OFF 409 "network-off" "This node runs alone" "Start it with --p2p-listen ADDR:PORT or --peer MULTIADDR.";
    INVALID_PEER 422 "invalid-peer" "The peer is not named in a way that can be used" "Addresses look like /ip4/192.0.2.7/tcp/9333; ids are those that /api/v1/peers shows.";
    UNKNOWN_PEER 404 "unknown-peer" "No such peer is connected" "GET /api/v1/peers lists those that are.";
    INVALID_MINING 422 "invalid-mining" "These mining settings cannot be used" "Threads are 1 to the number named here.";

    // What the request names is not there.
    UNKNOWN_BLOCK 404 "unknown-block" "There is no such block" "The chain may not be that high yet, or the id is of another chain.";
    NOT_KEPT 410 "not-kept" "The block is older than what this node keeps" "This node began with the state of a later block; use one that has the whole chain.";
    TIP_TOO_OLD 410 "tip-too-old" "Proofs are made of the newest blocks only" "Read the tip from /api/v1/light/tip again, and request its proof.";
    PROOF_TOO_LONG 422 "proof-too-long" "The proof of the chain is too long for a receipt" "Take the receipt without it, version 1, and verify a block that it leads to with `tally light`.";
    HISTORY_CHANGED 410 "history-changed" "Part of what was shown of this history has been undone" "Blocks of a branch with more total work took the place of those that were shown: begin the list again without a cursor.";
    UNKNOWN_TRANSACTION 404 "unknown-transaction" "There is no such transaction" "It was never sent to this node, or it left the pool without being included.";
    NOT_INCLUDED 404 "not-included" "The transaction is not in a block yet" "Try again once it is: an event reports it.";
    UNKNOWN_PROBLEM 404 "unknown-problem" "There is no such problem type" "The list is at /problems.";

    // A transaction by itself.
    TRANSACTION_EMPTY 422 "transaction-empty" "The transaction has no bytes" "Send the whole envelope.";
    TRANSACTION_TOO_LARGE 422 "transaction-too-large" "The transaction has too many bytes" "Shorten its data.";
    UNKNOWN_TRANSACTION_TYPE 422 "unknown-transaction-type" "The transaction's type is unknown" "0x54, 0x01, 0x02 and legacy are taken.";
    RLP_MALFORMED 422 "rlp-malformed" "The bytes are not the RLP expected here" "Build the transaction with a wallet that knows this chain.";
    RLP_TRUNCATED 422 "rlp-truncated" "The bytes end too early" "Send the whole envelope.";
    RLP_NOT_CANONICAL 422 "rlp-not-canonical" "The RLP is not in its one canonical form" "Every length and every small value has one encoding; use that.";
    INTEGER_ZERO_PADDED 422 "integer-zero-padded" "An integer is padded with zeros" "Integers in RLP have no leading zeros.";
    INTEGER_OVERFLOW 422 "integer-overflow" "An integer is too large for its field" "Amounts are below 2^256, fees below 2^128, gas and nonces below 2^64.";
    TRAILING_BYTES 422 "trailing-bytes" "There are bytes after the end" "Send the envelope and nothing after it.";
    FIELD_TOO_LONG 422 "field-too-long" "A field has too many bytes" "Stay within the limit named here.";
    FIELD_WRONG_LENGTH 422 "field-wrong-length" "A field has the wrong length" "Its length is fixed; see expected.";
    TOO_MANY_ITEMS 422 "too-many-items" "A list has too many items" "Stay within the limit named here.";
    UNKNOWN_AUTHENTICATOR 422 "unknown-authenticator" "The kind of authenticator is unknown" "1 (rsa-pss-sha256), 2 (secp256k1) and 3 (multisig) are taken.";
    RSA_KEY_MALFORMED 422 "rsa-key-malformed" "The RSA key is not SubjectPublicKeyInfo DER" "Encode the key as SPKI with rsaEncryption.";
    RSA_KEY_SIZE 422 "rsa-key-size" "The RSA key has a size that is not taken" "2048, 3072 and 4096 bits are taken.";
    RSA_KEY_EVEN 422 "rsa-key-even" "The RSA modulus is even" "That is no RSA key; make a new one.";
    RSA_EXPONENT 422 "rsa-exponent" "The RSA exponent is not 65537" "Make a key with the exponent 65537.";
    RSA_KEY_NOT_CANONICAL 422 "rsa-key-not-canonical" "The RSA key is not in its one DER encoding" "Encode it again with a DER encoder.";
    RSA_SIGNATURE_LENGTH 422 "rsa-signature-length" "The RSA signature is not as long as the modulus" "Pad it to the length of the modulus.";
    RSA_SIGNATURE_RANGE 422 "rsa-signature-range" "The RSA signature is not smaller than the modulus" "Sign again.";
    SECP256K1_KEY_MALFORMED 422 "secp256k1-key-malformed" "The key is not a compressed point of secp256k1" "Send 33 bytes in SEC1's compressed form.";
    SECP256K1_SIGNATURE_LENGTH 422 "secp256k1-signature-length" "The signature does not have 64 bytes" "Send r and s, 32 bytes each.";
    SECP256K1_SIGNATURE_RANGE 422 "secp256k1-signature-range" "r or s is outside its range" "Sign again.";
    SECP256K1_HIGH_S 422 "secp256k1-high-s" "The signature has a high s" "Use n - s in place of s.";
    POLICY_THRESHOLD 422 "policy-threshold" "The policy requires more signatures than it has keys, or none" "m is 1 to the number of keys.";
    POLICY_TOO_MANY_KEYS 422 "policy-too-many-keys" "The policy has too many keys" "Stay within the limit named here.";
    POLICY_KEY_KIND 422 "policy-key-kind" "The policy has a key of an unknown kind" "1 (RSA) and 2 (secp256k1) are taken.";
    POLICY_KEYS_UNSORTED 422 "policy-keys-unsorted" "The policy's keys are not in ascending order" "Sort them by kind, then by their bytes.";
    POLICY_KEY_TWICE 422 "policy-key-twice" "The policy has the same key twice" "Each key stands in a policy once.";
    UNKNOWN_SIGNER 422 "unknown-signer" "A signer is named that the policy does not have" "Bit i of signers stands for key i of the policy.";
    SIGNATURES_MISSING 422 "signatures-missing" "Signatures are missing" "Have the other holders of keys sign.";
    TOO_MANY_SIGNATURES 422 "too-many-signatures" "There are more signatures than the policy requires" "Keep as many as it requires.";
    BAD_SIGNATURE 422 "bad-signature" "The signature does not verify" "It must be made by the sender's key over this very payload, for this very chain; RSA signs with PSS, SHA-256 and a 32-byte salt.";
    NOT_REPLAY_PROTECTED 422 "not-replay-protected" "The transaction could be replayed on another chain" "Sign it with EIP-155.";
    BAD_PARITY 422 "bad-parity" "The y parity is not 0 or 1" "Sign again.";
    WRONG_CHAIN 422 "wrong-chain" "The transaction is for another chain" "Sign it for this chain's id.";
    NONCE_TOO_LARGE 422 "nonce-too-large" "The nonce is at its maximum" "No account reaches it; use the account's next nonce.";
    GAS_LIMIT_TOO_HIGH 422 "gas-limit-too-high" "The gas limit is too high" "Stay within the limit named here.";
    GAS_LIMIT_TOO_LOW 422 "gas-limit-too-low" "The gas limit does not cover the transaction itself" "Raise it to the value named under expected.";
    PRIORITY_FEE_ABOVE_MAX_FEE 422 "priority-fee-above-max-fee" "The priority fee is above the maximum fee" "Raise max_fee or lower max_priority_fee.";
    FEE_TOO_LOW 422 "fee-too-low" "The fee is below what the chain requires now" "Take a fee from /api/v1/fees.";
    COST_OVERFLOW 422 "cost-overflow" "Value and fee together are 2^256 or more" "No account holds that much.";
    TRANSACTION_EXPIRED 422 "transaction-expired" "The transaction is more than 24 hours old" "Build and sign it again.";
    TRANSACTION_FROM_THE_FUTURE 422 "transaction-from-the-future" "The transaction's time is ahead of the chain's" "Set the clock of the device that signs.";
    INITCODE_TOO_LONG 422 "initcode-too-long" "The contract's initcode is too long" "Stay within the limit named here.";

    // A transaction against the state and the pool.
    NONCE_TOO_LOW 409 "nonce-too-low" "The nonce was used before" "Use next_nonce of /api/v1/accounts/ADDRESS; if you sent this already, look for its id.";
    NONCE_TOO_HIGH 409 "nonce-too-high" "The nonce is too far ahead" "Send the transactions before it first.";
    INSUFFICIENT_FUNDS 409 "insufficient-funds" "The account does not hold value and fee" "Send less, or wait for money to arrive.";
    SENDER_IS_CONTRACT 422 "sender-is-contract" "The sender is a contract" "Contracts do not sign.";
    ALREADY_INCLUDED 409 "already-included" "The transaction is in a block already" "Nothing is to be done.";
    ALREADY_PENDING 409 "already-pending" "The transaction waits in the pool already" "Nothing is to be done.";
    REPLACEMENT_UNDERPRICED 409 "replacement-underpriced" "Another transaction of this nonce waits, and this one does not pay enough more" "Raise both fees to at least the values named here.";
    POOL_FULL 503 "pool-full" "The pool is full of transactions that pay more" "Raise the fee, or try again later.";
    SENDER_LIMIT 429 "sender-limit" "This sender has too many transactions waiting" "Wait until some are in blocks.";
    GAS_EXCEEDS_BLOCK 422 "gas-exceeds-block" "The transaction's gas does not fit into the block" "Lower its gas limit.";
    BYTES_EXCEED_BLOCK 422 "bytes-exceed-block" "The transaction's bytes do not fit into the block" "Shorten its data.";
    EVM_REFUSED 422 "evm-refused" "The EVM rejects the transaction" "The detail has its reason.";

    // Blocks and mined work.
    BLOCK_TOO_LARGE 422 "block-too-large" "The block has too many bytes" "Stay within the limit named here.";
    WRONG_VERSION 422 "wrong-version" "The header's version is not the chain's" "Take the header from a template.";
    BITS_NEGATIVE 422 "bits-negative" "bits is negative" "Take bits from a template.";
    BITS_ZERO 422 "bits-zero" "bits is zero" "Take bits from a template.";
    BITS_OVERFLOW 422 "bits-overflow" "bits is above 2^256" "Take bits from a template.";
    BITS_NOT_CANONICAL 422 "bits-not-canonical" "bits is not in its one form" "Take bits from a template.";
    TARGET_ABOVE_LIMIT 422 "target-above-limit" "The target is above this chain's limit" "Take bits from a template.";
    NOT_ENOUGH_WORK 422 "not-enough-work" "The block's id is above its target" "Search on; submit only what meets the target.";
    WRONG_BITS 422 "wrong-bits" "bits is not what the difficulty rule gives" "Take bits from a template.";
    UNEXPECTED_SEAL 422 "unexpected-seal" "The manifest carries a seal that proof of work has not" "Leave it empty.";
    BLOCK_FROM_THE_FUTURE 422 "block-from-the-future" "The block's time is ahead of the node's clock" "Set the miner's clock.";
    BLOCK_TOO_EARLY 422 "block-too-early" "The block's time is not after the median of the last blocks" "Take a new template.";
    WRONG_MANIFEST_ROOT 422 "wrong-manifest-root" "The header does not commit to the manifest" "Hash the manifest with the extra nonce in its place.";
    TOO_MANY_TRANSACTIONS 422 "too-many-transactions" "The block has too many transactions" "Stay within the limit named here.";
    DUPLICATE_TRANSACTION 422 "duplicate-transaction" "A transaction occurs twice in the block" "Leave one of them out.";
    WRONG_TRANSACTIONS_ROOT 422 "wrong-transactions-root" "transactions_root is not that of the transactions" "Take a new template.";
    WRONG_RECEIPTS_ROOT 422 "wrong-receipts-root" "receipts_root is not what execution gives" "Take a new template.";
    WRONG_STATE_ROOT 422 "wrong-state-root" "state_root is not what execution gives" "Take a new template.";
    WRONG_HISTORY_ROOT 422 "wrong-history-root" "history_root is not that of the ancestors" "Take a new template.";
    WRONG_GAS_LIMIT 422 "wrong-gas-limit" "The block's gas limit is not the chain's" "Take a new template.";
    WRONG_GAS_USED 422 "wrong-gas-used" "gas_used is not what execution gives" "Take a new template.";
    GAS_USED_ABOVE_LIMIT 422 "gas-used-above-limit" "The block uses more gas than its limit" "Take a new template.";
    WRONG_PARENT 422 "wrong-parent" "The block has another parent" "Take a new template.";
    WRONG_NUMBER 422 "wrong-number" "The block's number is not its parent's plus one" "Take a new template.";
    WRONG_BASE_FEE 422 "wrong-base-fee" "The base fee is not what the fee rule gives" "Take a new template.";
    UNKNOWN_PARENT 409 "unknown-parent" "The block's parent is not known here" "Send its ancestors first.";
    INVALID_PARENT 422 "invalid-parent" "The block's parent is invalid" "Nothing can be built on it; take a new template.";
    KNOWN_INVALID 422 "known-invalid" "The block was found invalid before" "Take a new template.";
    FORK_TOO_DEEP 409 "fork-too-deep" "The block forks deeper than this node follows" "Take a new template.";
    SUPPLY_OVERFLOW 422 "supply-overflow" "The supply would be 2^256 or more" "Take a new template.";
    MONEY_CREATED 422 "money-created" "The accounts hold more than before" "Take a new template.";
    NOT_BURNED 422 "not-burned" "Less than the base fees left the accounts" "Take a new template.";
    CLOCK_BEHIND_CHAIN 503 "clock-behind-chain" "The node's clock was set back" "Try again once the clock of the node's machine is right.";
    CLOCK_OFF 503 "clock-off" "The node's clock is wrong" "Try again once the clock of the node's machine is right.";
    NOT_BEGUN 503 "not-begun" "The chain has not begun" "Try again at the time that this problem names.";
    AWAITS_STATE 503 "awaits-state" "The node waits for a state to begin with" "Try again once /readyz says that the node is ready.";
    TOO_MANY_PRODUCERS 429 "too-many-producers" "Templates for too many addresses on one block" "Use fewer addresses, or wait for the next block.";
    TIME_TOO_LATE 422 "time-too-late" "The block's time is later than its transactions allow" "Keep the header's time at or below max_time of the template.";
    UNKNOWN_TEMPLATE 404 "unknown-template" "The template is unknown or too old" "Take a new template.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_fit_a_path() {
        let names: BTreeSet<_> = ALL.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), ALL.len());
        for kind in ALL {
            assert!(
                kind.name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{}",
                kind.name
            );
            assert!((400..600).contains(&kind.status), "{}", kind.name);
            assert_eq!(Kind::named(kind.name), Some(*kind));
        }
        assert_eq!(Kind::named("nothing"), None);
    }
}
