//! Texts of JSON: values whose own serde form is not the one of the API.

/// An address with its EIP-55 checksum. Rule: docs/protocol.md#A1
pub mod address {
    use std::borrow::Cow;

    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;
    use tally_chain::{Address, address};

    pub fn serialize<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(address)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        address::parse(&text).map_err(D::Error::custom)
    }

    /// The same, or null.
    pub mod option {
        use std::borrow::Cow;

        use serde::de::{Deserialize as _, Deserializer, Error as _};
        use serde::ser::Serializer;
        use tally_chain::{Address, address};

        pub fn serialize<S: Serializer>(address: &Option<Address>, serializer: S) -> Result<S::Ok, S::Error> {
            match address {
                Some(address) => serializer.collect_str(address),
                None => serializer.serialize_none(),
            }
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
            let text = Option::<Cow<'de, str>>::deserialize(deserializer)?;
            text.map(|text| address::parse(&text).map_err(D::Error::custom))
                .transpose()
        }
    }
}

/// Base units per gas, as a decimal string.
pub mod per_gas {
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;
    use tally_chain::Amount;

    pub fn serialize<S: Serializer>(price: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(price)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let Amount(price) = Amount::deserialize(deserializer)?;
        u128::try_from(price).map_err(|_| D::Error::custom("a price per gas of 2^128 base units or more"))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;
    use tally_chain::Address;

    const OWN: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Texts {
        #[serde(with = "super::address")]
        own: Address,
        #[serde(default, with = "super::address::option")]
        to: Option<Address>,
        #[serde(with = "super::per_gas")]
        price: u128,
    }

    #[test]
    fn addresses_carry_their_checksum_and_prices_are_decimal() {
        let whole = json!({ "own": OWN, "to": OWN, "price": u128::MAX.to_string() });
        let texts: Texts = serde_json::from_value(whole.clone()).unwrap();
        assert_eq!(texts.price, u128::MAX);
        assert_eq!(serde_json::to_value(&texts).unwrap(), whole);
        let null: Texts = serde_json::from_value(json!({ "own": OWN, "price": "0" })).unwrap();
        assert_eq!(null.to, None);
        assert_eq!(serde_json::to_value(&null).unwrap()["to"], json!(null));
    }

    #[test]
    fn what_is_no_address_or_no_price_is_named() {
        let error = |own: &str, price: &str| {
            let texts = json!({ "own": own, "price": price });
            serde_json::from_value::<Texts>(texts).unwrap_err().to_string()
        };
        assert_eq!(
            error(&OWN.replace("f39F", "f39f"), "0"),
            "address does not satisfy its EIP-55 checksum: one of its characters is wrong"
        );
        assert_eq!(error(&OWN[2..], "0"), "address does not start with 0x");
        let above = "340282366920938463463374607431768211456";
        assert_eq!(error(OWN, above), "a price per gas of 2^128 base units or more");
        assert_eq!(error(OWN, "01"), "amount is padded with zeros");
    }
}
