mod time;

use proptest::prelude::*;
use tally_chain::{BlockId, UnixSecs};

use super::*;
use crate::Phrase;
use crate::payment::Memo;
use tally_chain::U256;

const FRIEND: &str = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const UNKNOWN: &str = "0x52908400098527886E0F7030069857D2E4169EE7";

fn address(text: &str) -> Address {
    tally_chain::address::parse(text).unwrap()
}

fn coins(text: &str) -> Amount {
    Amount::from_coins(text).unwrap()
}

/// A payment of 12.5 coins with 4,000 gas at up to 2 gwei, 1 gwei of it to the miner.
fn review(to: &str) -> Review {
    let max_fee = Amount(U256::from(8_000_000_000_000u64));
    let value = coins("12.5");
    let max_total = value.checked_add(max_fee).unwrap();
    Review {
        chain_id: 8_086,
        genesis: BlockId([0x5a; 32].into()),
        sender: address(FRIEND),
        to: Some(address(to)),
        value,
        value_coins: value.to_coins(),
        memo: Memo::None,
        init_code: None,
        nonce: 0,
        timestamp: UnixSecs(1_800_000_000),
        gas_limit: 4_000,
        max_fee_per_gas: Amount(U256::from(2_000_000_000u64)),
        max_priority_fee_per_gas: Amount(U256::from(1_000_000_000u64)),
        max_fee,
        max_fee_coins: max_fee.to_coins(),
        max_total,
        max_total_coins: max_total.to_coins(),
    }
}

/// Both halves of what there is to know: addresses that were only seen stand in the node's history.
#[derive(Clone, Copy)]
struct Context<'a> {
    known: &'a [(Address, Bond)],
    balance: Amount,
    fees: FeeSuggestions,
    contract: bool,
    public: bool,
    playground: bool,
    typed: Option<&'a str>,
}

fn in_two_parts(review: &Review, context: &Context<'_>) -> Warnings {
    let part = |seen: bool| -> Vec<(Address, Bond)> {
        let chosen = context.known.iter().filter(|(_, bond)| (*bond == Bond::Seen) == seen);
        chosen.copied().collect()
    };
    let local = Local {
        known: &part(false),
        playground: context.playground,
        typed: context.typed,
        now: review.timestamp,
    };
    let node = NodeView {
        history: &part(true),
        balance: context.balance,
        fees: context.fees,
        contract: context.contract,
        public: context.public,
    };
    Warnings::of(review, &local, Ok(node))
}

fn warnings(review: &Review, context: &Context<'_>) -> Vec<Warning> {
    in_two_parts(review, context).all()
}

fn context(known: &[(Address, Bond)]) -> Context<'_> {
    Context {
        known,
        balance: coins("1000"),
        fees: FeeSuggestions {
            base_fee: 1_000_000_000,
            low: 1,
            normal: 100_000_000,
            high: 500_000_000,
        },
        contract: false,
        public: false,
        playground: false,
        typed: None,
    }
}

#[test]
fn an_account_that_was_paid_before_gets_no_warning() {
    for bond in [Bond::Contact, Bond::Paid] {
        let known = [(address(UNKNOWN), bond)];
        assert_eq!(warnings(&review(UNKNOWN), &context(&known)), []);
    }
    let own = [(address(UNKNOWN), Bond::Own)];
    assert_eq!(warnings(&review(UNKNOWN), &context(&own)), [Warning::OwnAccount]);
}

#[test]
fn who_was_only_seen_is_met_for_the_first_time() {
    assert_eq!(warnings(&review(UNKNOWN), &context(&[])), [Warning::FirstTime]);
    let known = [(address(UNKNOWN), Bond::Seen)];
    assert_eq!(warnings(&review(UNKNOWN), &context(&known)), [Warning::FirstTime]);
}

#[test]
fn a_poisoned_address_is_noticed_though_it_stands_in_the_history() {
    // The first and last four digits of a friend, made by trying; it has already paid us a little.
    let poison = "0x8ba112345678901234567890123456789012ba72".to_owned();
    let known = [(address(&poison), Bond::Seen), (address(FRIEND), Bond::Paid)];
    let found = warnings(&review(&poison), &context(&known));
    let alike = Warning::LookAlike {
        known: address(FRIEND),
        bond: Bond::Paid,
        start: 4,
        end: 4,
    };
    assert_eq!(found, [alike.clone(), Warning::FirstTime]);
    assert_eq!(alike.weight(), Weight::Stop);
    assert!(alike.to_string().contains(FRIEND), "{alike}");
}

#[test]
fn look_alike_needs_both_ends_or_one_long_end_or_few_differences() {
    let friend = address(FRIEND);
    let known = [(friend, Bond::Contact)];
    let digits = FRIEND[2..].to_lowercase();
    let changed = |range: std::ops::Range<usize>| -> String {
        let flip = |c: char| if c == '0' { '1' } else { '0' };
        let place = |(i, c): (usize, char)| if range.contains(&i) { flip(c) } else { c };
        format!("0x{}", digits.chars().enumerate().map(place).collect::<String>())
    };
    // (digits that differ, whether that looks alike)
    let cases = [
        (3..37, true),
        (2..37, false),
        (3..38, false),
        (0..32, true),
        (0..33, false),
        (8..40, true),
        (7..40, false),
        (18..22, true),
        (0..4, true),
        (36..40, true),
    ];
    for (range, expected) in cases {
        let to = changed(range.clone());
        let found = warnings(&review(&to), &context(&known));
        let alike = found.iter().any(|warning| matches!(warning, Warning::LookAlike { .. }));
        assert_eq!(alike, expected, "{range:?}: {found:?}");
    }
}

#[test]
fn the_accounts_of_the_public_phrase_are_known_without_a_node() {
    let seed = Phrase::parse(tally_testkit::PUBLIC_PHRASE).unwrap().seed("");
    for index in 0..20 {
        let known = seed.secp256k1(index).unwrap().address().to_string();
        let found = warnings(&review(&known), &context(&[]));
        assert_eq!(
            found,
            [Warning::PublicAccount { playground: false }, Warning::FirstTime]
        );
    }
    let named = Context {
        public: true,
        ..context(&[])
    };
    let found = warnings(&review(UNKNOWN), &named);
    assert_eq!(
        (&found[0], found[0].weight()),
        (&Warning::PublicAccount { playground: false }, Weight::Stop)
    );
    let game = Context {
        playground: true,
        ..named
    };
    assert_eq!(warnings(&review(UNKNOWN), &game)[0].weight(), Weight::Caution);
}

#[test]
fn a_contract_is_warned_of_even_where_it_was_paid_before() {
    let known = [(address(UNKNOWN), Bond::Paid)];
    let contract = Context {
        contract: true,
        ..context(&known)
    };
    assert_eq!(warnings(&review(UNKNOWN), &contract), [Warning::Contract]);
}

#[test]
fn one_case_has_no_checksum() {
    let typed = |text: &str| {
        let context = Context {
            typed: Some(text),
            ..context(&[])
        };
        warnings(&review(UNKNOWN), &context).contains(&Warning::NoChecksum)
    };
    assert!(typed(&UNKNOWN.to_lowercase()));
    assert!(typed(&format!(" {} ", UNKNOWN.to_lowercase())));
    assert!(!typed(UNKNOWN), "its checksum has capitals only");
    let no_letter = "0x1234567890123456789012345678901234567890";
    let context = Context {
        typed: Some(no_letter),
        ..context(&[])
    };
    assert_eq!(
        warnings(&review(no_letter), &context),
        [Warning::FirstTime],
        "no letter, no case"
    );
}

#[test]
fn a_fee_is_measured_by_the_value() {
    let known = [(address(UNKNOWN), Bond::Paid)];
    let of = |value: &str| {
        let value = coins(value);
        let review = Review {
            value,
            ..review(UNKNOWN)
        };
        warnings(&review, &context(&known))
    };
    // The fee is 0.000008 coins at most.
    assert_eq!(of("0.000081"), []);
    assert_eq!(of("0.00008"), [Warning::FeeOfValue { percent: 10 }]);
    let all = of("0.000008");
    assert_eq!(all, [Warning::FeeOfValue { percent: 100 }]);
    assert_eq!(
        (all[0].weight(), of("0.00008")[0].weight()),
        (Weight::Stop, Weight::Stop)
    );
    assert_eq!(of("0"), [], "a call without value has no share");
}

#[test]
fn a_fee_is_measured_by_what_is_normal_now() {
    let known = [(address(UNKNOWN), Bond::Paid)];
    let of = |max_fee: u128, tip: u128| {
        let units = |units: u128| Amount(U256::from(units));
        let review = Review {
            max_fee_per_gas: units(max_fee),
            max_priority_fee_per_gas: units(tip),
            ..review(UNKNOWN)
        };
        warnings(&review, &context(&known))
    };
    // Normal is 1.1 gwei: base fee 1, tip 0.1.
    assert_eq!(of(100_000_000_000, 3_399_999_999), []);
    assert_eq!(of(100_000_000_000, 3_400_000_000), [Warning::FeeOfNow { times: 4 }]);
    assert_eq!(of(4_400_000_000, u128::MAX), [Warning::FeeOfNow { times: 4 }]);
    assert_eq!(of(u128::MAX, 1), [], "what is only allowed is not paid");
    assert_eq!(of(1, u128::MAX), [], "no block takes it");
    let idle = Context {
        fees: FeeSuggestions {
            base_fee: 0,
            low: 0,
            normal: 0,
            high: 0,
        },
        ..context(&known)
    };
    assert_eq!(
        warnings(&review(UNKNOWN), &idle),
        [Warning::FeeOfNow { times: 1_000_000_000 }]
    );
}

#[test]
fn spending_nearly_all_is_noted_with_what_stays() {
    let known = [(address(UNKNOWN), Bond::Paid)];
    let of = |balance: Amount| {
        let context = Context {
            balance,
            ..context(&known)
        };
        warnings(&review(UNKNOWN), &context)
    };
    let total = review(UNKNOWN).max_total;
    assert_eq!(of(total), [Warning::WholeBalance { left: Amount::ZERO }]);
    let more = |units: u128| total.checked_add(Amount(U256::from(units))).unwrap();
    // A nineteenth more than is spent leaves a twentieth.
    let twentieth = total.0 / U256::from(19);
    assert_eq!(
        of(total.checked_add(Amount(twentieth - U256::from(2))).unwrap()).len(),
        1
    );
    assert_eq!(of(total.checked_add(Amount(twentieth + U256::from(2))).unwrap()), []);
    assert_eq!(
        of(more(1)),
        [Warning::WholeBalance {
            left: Amount(U256::from(1))
        }]
    );
    assert_eq!(of(Amount::ZERO), [], "too little is an error elsewhere");
}

#[test]
fn the_gravest_comes_first_and_a_creation_has_no_recipient() {
    let bytes = Review {
        to: None,
        init_code: Some("0x6001600055".to_owned()),
        ..review(UNKNOWN)
    };
    let creation = Warning::NewContract { code_bytes: 5 };
    assert_eq!(warnings(&bytes, &context(&[])), std::slice::from_ref(&creation));
    assert_eq!(creation.weight(), Weight::Stop);
    let contract = Context {
        contract: true,
        balance: coins("12.6"),
        ..context(&[])
    };
    let weights: Vec<Weight> = warnings(&review(UNKNOWN), &contract)
        .iter()
        .map(Warning::weight)
        .collect();
    assert_eq!(weights, [Weight::Stop, Weight::Caution, Weight::Caution]);
}

#[test]
fn a_node_that_does_not_answer_hides_no_warning_and_needs_a_yes() {
    let poison = "0x8ba112345678901234567890123456789012ba72";
    let known = [(address(FRIEND), Bond::Paid)];
    let typed = poison.to_uppercase().replacen("0X", "0x", 1);
    let local = Local {
        known: &known,
        playground: false,
        typed: Some(&typed),
        now: UnixSecs(1_800_000_000),
    };
    let dear = Review {
        value: coins("0.00001"),
        ..review(poison)
    };
    let found = Warnings::of(&dear, &local, Err("connection refused".to_owned()));
    let names = |warnings: &[Warning]| -> Vec<&str> { warnings.iter().map(Warning::name).collect() };
    assert_eq!(names(&found.local), ["look-alike", "no-checksum", "fee-of-value"]);
    assert_eq!(
        names(&found.all()),
        ["look-alike", "fee-of-value", "node-missing", "no-checksum"]
    );
    assert_eq!(names(&found.stops()), ["look-alike", "fee-of-value", "node-missing"]);
    let missing = found.all().remove(2).to_string();
    assert!(missing.contains("connection refused"), "{missing}");
}

#[test]
fn a_node_that_claims_an_earlier_payment_takes_no_warning_away() {
    let poison = address("0x8ba112345678901234567890123456789012ba72");
    let known = [(address(FRIEND), Bond::Contact)];
    let local = Local {
        known: &known,
        playground: false,
        typed: None,
        now: UnixSecs(1_800_000_000),
    };
    let node = |history| NodeView {
        history,
        balance: coins("1000"),
        fees: context(&[]).fees,
        contract: false,
        public: false,
    };
    let claimed = [(poison, Bond::Paid)];
    let found = Warnings::of(&review(&poison.to_string()), &local, Ok(node(&claimed)));
    let names: Vec<&str> = found.all().iter().map(Warning::name).collect();
    assert_eq!(names, ["look-alike"]);
    // What the history alone knows is added.
    let nobody = Local { known: &[], ..local };
    let met = [(address(FRIEND), Bond::Paid)];
    let found = Warnings::of(&review(&poison.to_string()), &nobody, Ok(node(&met)));
    assert_eq!(found.local, []);
    let names: Vec<&str> = found.all().iter().map(Warning::name).collect();
    assert_eq!(names, ["look-alike", "first-time"]);
}

#[test]
fn a_fee_is_high_whatever_it_is_measured_by() {
    let known = [(address(UNKNOWN), Bond::Own)];
    let of = |fee: &str, value: Amount| {
        let review = Review {
            max_fee: coins(fee),
            value,
            ..review(UNKNOWN)
        };
        let mut found = warnings(&review, &context(&known));
        found.retain(|warning| *warning != Warning::OwnAccount);
        found
    };
    let high = |fee: &str| Warning::FeeHigh { max_fee: coins(fee) };
    assert_eq!(of("0.009999999999999999", coins("1")), []);
    assert_eq!(of("0.01", coins("1")), [high("0.01")]);
    assert_eq!(
        of("0.01", Amount::ZERO),
        [high("0.01")],
        "an anchor pays nothing but its fee"
    );
    assert_eq!(
        of("0.99", coins("1")),
        [Warning::FeeOfValue { percent: 99 }, high("0.99")]
    );
    assert!(of("0.99", coins("1")).iter().all(|w| w.weight() == Weight::Stop));
}

#[test]
fn texts_are_sentences() {
    let all = [
        Warning::NewContract { code_bytes: 3 },
        Warning::PublicAccount { playground: true },
        Warning::Contract,
        Warning::FeeOfValue { percent: 12 },
        Warning::FeeHigh { max_fee: coins("0.5") },
        Warning::FeeOfNow { times: 9 },
        Warning::DatedAhead {
            timestamp: UnixSecs(4_000_000_000),
            now: UnixSecs(1_800_000_000),
        },
        Warning::TooOld {
            timestamp: UnixSecs(1_000_000_000),
            now: UnixSecs(1_800_000_000),
        },
        Warning::NodeMissing {
            why: "it is not running".to_owned(),
        },
        Warning::WholeBalance { left: coins("0.5") },
        Warning::NoChecksum,
        Warning::FirstTime,
        Warning::OwnAccount,
    ];
    let names: std::collections::BTreeSet<&str> = all.iter().map(Warning::name).collect();
    assert_eq!(names.len(), all.len(), "each has a name of its own");
    for warning in all {
        let text = warning.to_string();
        assert!(
            text.ends_with('.') && text.chars().next().is_some_and(char::is_uppercase),
            "{text}"
        );
        assert!(!warning.title().ends_with('.'));
    }
}

proptest! {
    /// Whatever the figures, there is an answer.
    #[test]
    fn no_figures_make_it_stumble(value: [u64; 4], fee: [u64; 4], price: u128, tip: u128, balance: [u64; 4], to: [u8; 20], near: [u8; 20]) {
        let amount = |limbs| Amount(U256::from_limbs(limbs));
        let review = Review {
            to: Some(Address::from(to)),
            value: amount(value),
            max_fee: amount(fee),
            max_fee_per_gas: Amount(U256::from(price)),
            max_priority_fee_per_gas: Amount(U256::from(tip)),
            ..review(UNKNOWN)
        };
        let known = [(Address::from(near), Bond::Paid)];
        let context = Context { balance: amount(balance), fees: FeeSuggestions { base_fee: tip, low: 0, normal: price, high: 0 }, ..context(&known) };
        let found = warnings(&review, &context);
        prop_assert!(found.windows(2).all(|pair| pair[0].weight() >= pair[1].weight()));
    }
}
