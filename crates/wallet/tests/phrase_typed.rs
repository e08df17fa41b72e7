//! Phrases as people type, paste, number and engrave them. Rule: docs/protocol.md#W1

use tally_wallet::{Language, Phrase, PhraseError};

const LONG: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
const LATIN: [Language; 6] = [
    Language::English,
    Language::Czech,
    Language::French,
    Language::Italian,
    Language::Portuguese,
    Language::Spanish,
];

fn refused(typed: &str) -> PhraseError {
    Phrase::parse(typed).err().unwrap()
}

/// Phrases of a language, the same every time.
fn phrases(language: Language) -> impl Iterator<Item = Phrase> {
    (0..40u8).map(move |round| Phrase::from_entropy(language, &[round.wrapping_mul(83) ^ 0x5a; 16]).unwrap())
}

/// Without the accents on its letters; the lists are decomposed.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect()
}

#[test]
fn what_stands_around_words_does_not_count() {
    let words: Vec<&str> = LONG.split(' ').collect();
    let each = |write: &dyn Fn(usize, &str) -> String| -> String {
        words.iter().zip(1..).map(|(word, place)| write(place, word)).collect()
    };
    for typed in [
        each(&|place, word| format!("{place}. {word}\n")),
        each(&|place, word| format!("{place}) {word}\r\n")),
        each(&|place, word| format!("{place} {word} ")),
        each(&|place, word| format!("{place}.{word}\t")),
        each(&|place, word| format!("#{place:02}: {word}; ")),
        each(&|_, word| format!("{word}, ")),
        each(&|_, word| format!("\"{word}\",")),
        each(&|_, word| format!("• {word}\n")),
        each(&|_, word| format!("{word}-")),
        each(&|_, word| format!("{word}\u{a0}\u{2009}")),
        each(&|_, word| format!("\u{200b}{word}\u{200f} ")),
        format!("\u{feff}{LONG}"),
        LONG.replace("sausage", "sau\u{ad}sage"),
        format!("\u{202a}{LONG}\u{202c}"),
        format!("“{}”", LONG.to_uppercase()),
        LONG.chars().map(fullwidth).collect(),
    ] {
        assert_eq!(*Phrase::parse(&typed).expect(&typed).text(), *LONG, "{typed:?}");
        assert_eq!(tally_chain::words::count(&typed), 12, "{typed:?}");
    }
}

fn fullwidth(c: char) -> char {
    match c {
        'a'..='z' => char::from_u32(c as u32 - 'a' as u32 + 0xff41).unwrap(),
        c => c,
    }
}

#[test]
fn words_cut_to_four_letters_are_read_where_all_of_them_are() {
    for language in LATIN {
        for phrase in phrases(language) {
            let cut: Vec<String> = phrase
                .words()
                .map(|word| plain(word).chars().take(4).collect())
                .collect();
            // A single word that is shorter than in the list is a slip.
            if phrase.words().filter(|word| plain(word).chars().count() > 4).count() < 2 {
                continue;
            }
            let read = Phrase::parse_in(language, &cut.join(" "));
            assert_eq!(*read.unwrap().text(), *phrase.text(), "{language}");
        }
    }
    let cut = "lega winn than year wave saus wort usef lega winn than yell";
    assert_eq!(*Phrase::parse(cut).unwrap().text(), *LONG);
    // One cut word among whole ones is a slip of the finger.
    let language = Language::English;
    let slip = LONG.replacen("winner", "winn", 1);
    assert_eq!(refused(&slip), PhraseError::UnknownWord { position: 2, language });
    let slip = LONG.replace("winner", "winn");
    assert_eq!(refused(&slip), PhraseError::UnknownWord { position: 2, language });
}

#[test]
fn accents_may_be_left_out() {
    let mut accents = 0;
    for language in LATIN {
        for phrase in phrases(language) {
            let typed = plain(&phrase.text());
            accents += usize::from(typed != *phrase.text());
            let read = Phrase::parse_in(language, &typed);
            assert_eq!(*read.unwrap().text(), *phrase.text(), "{language}");
            match Phrase::parse(&typed) {
                Ok(found) => assert_eq!(*found.text(), *phrase.text(), "{language}"),
                Err(error) => assert!(matches!(error, PhraseError::Ambiguous { .. }), "{error}"),
            }
        }
    }
    assert!(accents > 20, "{accents} of the phrases have accents");
    // In Japanese a mark makes another word.
    let language = Language::Japanese;
    let phrase = Phrase::from_entropy(language, &[0; 16]).unwrap();
    let bare: String = phrase.text().chars().filter(|c| *c != '\u{3099}').collect();
    assert_ne!(bare, *phrase.text());
    assert_eq!(
        Phrase::parse_in(language, &bare).err(),
        Some(PhraseError::UnknownWord { position: 12, language })
    );
}

#[test]
fn chinese_needs_no_spaces() {
    for language in [Language::ChineseSimplified, Language::ChineseTraditional] {
        for phrase in phrases(language) {
            for between in ["", "、", "，", "\u{3000}", "\n"] {
                let typed = phrase.text().replace(' ', between);
                assert_eq!(*Phrase::parse_in(language, &typed).unwrap().text(), *phrase.text());
                assert_eq!(tally_chain::words::count(&typed), 12);
            }
        }
    }
}

#[test]
fn other_things_than_phrases_are_named() {
    let columns = "1. legal 7. worth 2. winner 8. useful 3. thank 9. legal 4. year 10. winner 5. wave 11. thank 6. sausage 12. yellow";
    assert_eq!(refused(columns), PhraseError::Order { position: 2, found: 7 });
    let numbers = (1..=12).map(|n| (n * 150).to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(refused(&numbers), PhraseError::Numbers);
    let key = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    assert_eq!(refused(key), PhraseError::Key);
    assert_eq!(refused(&format!(" 0x{key}\n")), PhraseError::Key);
    // From Electrum's own tests.
    let electrum = "wild father tree among universe such mobile favorite target dynamic credit identify";
    let language = Language::English;
    assert_eq!(refused(electrum), PhraseError::Electrum { language });
    assert_eq!(refused(&format!("{LONG} legal")), PhraseError::WordCount { count: 13 });
}
