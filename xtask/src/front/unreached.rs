//! Leaves out what is in the table of functions and never called.
//!
//! Each view of Leptos carries a way to be brought to life that waits for code and data on its way. Tally's pages are brought to life
//! at once, when their part of the code is there (`app/src/lib.rs`), so these ways are a tenth of the pages that nobody goes. No
//! linker can know that, since each is named in a table of its view. They are found by their name, and the table names another
//! function in their place, whose type is a different one: a call of it would end the page at once, and any test of a page.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use super::wasm::{self, Reader, Section};

/// What their names contain. The second is the way of an attribute in a template of the browser's, of which Tally has none.
const UNREACHED: [&str; 2] = ["hydrate_async", "hydrate_from_template"];

const IMPORT: u8 = 2;
const FUNCTION: u8 = 3;
const CODE: u8 = 10;

/// Kinds of relocations that put a function into the table: `R_WASM_TABLE_INDEX_` and `R_WASM_TABLE_INDEX_REL_`.
const TO_TABLE: [u8; 5] = [1, 2, 12, 18, 19];
/// Kinds with an addend behind the symbol.
const WITH_ADDEND: [u8; 14] = [3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23, 25];

/// The module as the linker wrote it, with its relocations, without what is [`UNREACHED`].
pub fn leave_out(module: &[u8]) -> Result<Vec<u8>> {
    let sections = wasm::sections(module)?;
    let functions = Functions::read(&sections)?;
    let symbols = symbols(&sections)?;
    let names = wasm::function_names(&sections)?;
    let unreached = names
        .into_iter()
        .filter(|(_, name)| UNREACHED.iter().any(|text| contains(name, text)));
    let unreached: BTreeSet<usize> = unreached.map(|(function, _)| function).collect();
    let stand_in = functions.other_than(&unreached, &symbols)?;
    let is_unreached = |symbol: usize| {
        let function = symbols.get(symbol).copied().flatten();
        function.is_some_and(|function| unreached.contains(&function))
    };
    let mut bodies = Vec::new();
    for section in &sections {
        let relocations = ["reloc.CODE", "reloc.DATA"]
            .into_iter()
            .find_map(|name| section.custom(name).map(|reader| (name, reader)));
        bodies.push(match relocations {
            Some((name, reader)) => redirected(name, reader, &is_unreached, stand_in)?,
            None => section.body.to_vec(),
        });
    }
    let ids = sections.iter().map(|section| section.id);
    Ok(wasm::module(ids.zip(bodies.iter().map(Vec::as_slice))))
}

fn contains(name: &[u8], text: &str) -> bool {
    name.windows(text.len()).any(|part| part == text.as_bytes())
}

/// A section of relocations, with another function in the place of the unreached ones.
fn redirected(name: &str, mut from: Reader, is_unreached: &dyn Fn(usize) -> bool, stand_in: usize) -> Result<Vec<u8>> {
    let mut section = Vec::new();
    wasm::push_number(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    let (target, count) = (from.number()?, from.number()?);
    wasm::push_number(&mut section, target);
    wasm::push_number(&mut section, count);
    for _ in 0..count {
        let kind = from.byte()?;
        section.push(kind);
        section.extend_from_slice(from.number_bytes().context("an offset")?);
        let symbol = from.number()?;
        let redirect = TO_TABLE.contains(&kind) && is_unreached(symbol);
        wasm::push_number(&mut section, if redirect { stand_in } else { symbol });
        if WITH_ADDEND.contains(&kind) {
            section.extend_from_slice(from.number_bytes()?);
        }
    }
    ensure!(from.is_empty(), "{name} holds more than its relocations");
    Ok(section)
}

/// The functions of a module.
struct Functions {
    /// How many are imported; those come first.
    imported: usize,
    /// Number of the type, and length of the code, of each that is not.
    defined: Vec<(usize, usize)>,
}

impl Functions {
    fn read(sections: &[Section]) -> Result<Self> {
        let body = |id| {
            let section = sections.iter().find(|section| section.id == id);
            section.map(|section| Reader::new(section.body))
        };
        let imported = body(IMPORT).map_or(Ok(0), imported)?;
        let (mut types, mut code) = body(FUNCTION).zip(body(CODE)).context("the module has no code")?;
        let count = types.number()?;
        ensure!(code.number()? == count, "the module has not as many codes as functions");
        let mut defined = Vec::new();
        for _ in 0..count {
            let length = code.number()?;
            code.take(length)?;
            defined.push((types.number()?, length));
        }
        Ok(Self { imported, defined })
    }

    fn defined(&self, function: usize) -> Option<(usize, usize)> {
        let place = function.checked_sub(self.imported)?;
        self.defined.get(place).copied()
    }

    /// The symbol of the shortest function that is of a type of none of these.
    fn other_than(&self, these: &BTreeSet<usize>, symbols: &[Option<usize>]) -> Result<usize> {
        let types: BTreeSet<usize> = these.iter().filter_map(|of| Some(self.defined(*of)?.0)).collect();
        let others = symbols.iter().enumerate().filter_map(|(symbol, function)| {
            let (kind, length) = self.defined((*function)?)?;
            (!types.contains(&kind)).then_some((length, symbol))
        });
        let shortest = others.min().context("the module has no function of another type")?;
        Ok(shortest.1)
    }
}

/// How many functions are imported.
fn imported(mut imports: Reader) -> Result<usize> {
    let mut functions = 0;
    for _ in 0..imports.number()? {
        imports.name()?;
        imports.name()?;
        match imports.byte()? {
            0 => {
                imports.number()?;
                functions += 1;
            }
            // A table has the type of its elements before its limits, a tag an attribute before its type.
            1 => {
                imports.byte()?;
                limits(&mut imports)?;
            }
            2 => limits(&mut imports)?,
            3 => drop(imports.take(2)?),
            kind => {
                ensure!(kind == 4, "an import of kind {kind}");
                imports.byte()?;
                imports.number()?;
            }
        }
    }
    Ok(functions)
}

fn limits(imports: &mut Reader) -> Result<()> {
    let has_most = imports.byte()? & 1 == 1;
    imports.number()?;
    if has_most {
        imports.number()?;
    }
    Ok(())
}

/// The function of each symbol of the linker, in its order; none for those that are something else.
fn symbols(sections: &[Section]) -> Result<Vec<Option<usize>>> {
    const SYMBOLS: u8 = 8;
    let linking = sections.iter().find_map(|section| section.custom("linking"));
    let mut linking = linking.context("the module has no symbols: it was linked without relocations")?;
    linking.number().context("a version")?;
    let mut found = Vec::new();
    while !linking.is_empty() {
        let kind = linking.byte()?;
        let mut list = Reader::new(linking.name()?);
        if kind == SYMBOLS {
            for _ in 0..list.number()? {
                found.push(symbol(&mut list)?);
            }
        }
    }
    Ok(found)
}

fn symbol(list: &mut Reader) -> Result<Option<usize>> {
    const UNDEFINED: usize = 0x10;
    const NAMED: usize = 0x40;
    let (kind, flags) = (list.byte()?, list.number()?);
    match kind {
        // A function, a global, an event or a table: what is imported has the name of its import, where it has none of its own.
        0 | 2 | 4 | 5 => {
            let index = list.number()?;
            if flags & UNDEFINED == 0 || flags & NAMED != 0 {
                list.name()?;
            }
            Ok((kind == 0).then_some(index))
        }
        // Data: a segment, where it is in it, and how much of it.
        1 => {
            list.name()?;
            if flags & UNDEFINED == 0 {
                for _ in 0..3 {
                    list.number()?;
                }
            }
            Ok(None)
        }
        _ => {
            ensure!(kind == 3, "a symbol of kind {kind}");
            list.number()?;
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::wasm::CUSTOM;

    fn custom(name: &str, content: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        wasm::push_number(&mut body, name.len());
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(content);
        body
    }

    /// A module of an imported function and four of its own; the names of the last two, and relocations that name each in the table.
    fn sample(names: [&str; 2]) -> Vec<u8> {
        let code = |length: usize| [vec![length as u8], vec![0; length - 1], vec![0x0b]].concat();
        let codes = [vec![4], code(2), code(3), code(9), code(9)].concat();
        let named = |function: u8, name: &str| [&[function, name.len() as u8], name.as_bytes()].concat();
        let list = [vec![2], named(3, names[0]), named(4, names[1])].concat();
        let of_functions = [&[1, list.len() as u8], &list[..]].concat();
        let symbol = |function: u8| vec![0, 0, function, 1, b'f'];
        let table = [vec![5, 0, 0x10, 0], symbol(1), symbol(2), symbol(3), symbol(4)].concat();
        let linking = [&[2, 8, table.len() as u8], &table[..]].concat();
        let relocations: Vec<u8> = (0..5).flat_map(|symbol| [1, 10 * symbol, symbol]).collect();
        let relocations = [&[3, 6][..], &relocations, &[0, 50, 3]].concat();
        wasm::module([
            // import a.b of type 0
            (IMPORT, &[1, 1, b'a', 1, b'b', 0, 0][..]),
            // types 7, 5, 7, 7
            (FUNCTION, &[4, 7, 5, 7, 7]),
            (CODE, &codes),
            (CUSTOM, &custom("linking", &linking)),
            (CUSTOM, &custom("reloc.CODE", &relocations)),
            (CUSTOM, &custom("name", &of_functions)),
        ])
    }

    /// Symbols of the relocations of a module, in their order.
    fn named_in(module: &[u8]) -> Vec<usize> {
        let sections = wasm::sections(module).expect("sections");
        let reader = sections.iter().find_map(|section| section.custom("reloc.CODE"));
        let mut reader = reader.expect("relocations");
        reader.number().expect("a section");
        let count = reader.number().expect("how many");
        let mut entry = || (reader.byte(), reader.number(), reader.number().expect("a symbol")).2;
        (0..count).map(|_| entry()).collect()
    }

    #[test]
    fn the_table_names_a_function_of_another_type_in_their_place() {
        let module = sample(["_ZN4view13hydrate_async17h00E", "_ZN4view7hydrate17h00E"]);
        assert_eq!(named_in(&module), [0, 1, 2, 3, 4, 3]);
        // The third is not in the table any more; the function that calls it by itself still does. The second is the only one of
        // another type.
        assert_eq!(named_in(&leave_out(&module).expect("a module")), [0, 1, 2, 2, 4, 3]);
        let other = sample(["_ZN4view5build17h00E", "_ZN4view7hydrate17h00E"]);
        assert_eq!(leave_out(&other).expect("a module"), other);
    }

    #[test]
    fn a_module_without_relocations_is_an_error() {
        let module = sample(["a", "b"]);
        let sections = wasm::sections(&module).expect("sections");
        let kept = sections.iter().filter(|section| section.custom("linking").is_none());
        let error = leave_out(&wasm::module(kept.map(|section| (section.id, section.body)))).expect_err("no symbols");
        assert_eq!(
            error.to_string(),
            "the module has no symbols: it was linked without relocations"
        );
    }
}
