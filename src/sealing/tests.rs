use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

const PLACE: [&str; 3] = ["secret", "agent-1", "stripe"];

fn key(first: u8) -> MasterKey {
    MasterKey::from_bytes(std::array::from_fn(|n| first.wrapping_add(u8::try_from(n).unwrap())))
}

fn ring(current: u8, previous: &[u8]) -> Keyring {
    Keyring::new(key(current), previous.iter().map(|first| key(*first)).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Made by another implementation (Python's `cryptography`), from the description of the format.
const KNOWN: &str = "01e4ccb9ff89219316000102030405060708090a0b0743945881a0845cc508ddc0fda43622d387d567a42e092b603ebf\
                     de41345eedfb55bbbe0292803f7f0de1f3c38417766465666768696a6b6c6d6e6f821559083ce4a3eda517fdf43c8aaf\
                     130ae515b0cbdd640c65ee3c1cca7680";

#[test]
fn what_was_sealed_once_opens_for_ever() {
    let sealed = Sealed::from_bytes(&unhex(KNOWN)).unwrap();
    assert_eq!(sealed.master_key().to_string(), "e4ccb9ff89219316");
    let opened = open(&ring(0, &[]), &PLACE, &sealed).unwrap();
    assert_eq!(opened.expose().as_slice(), b"sk_live_hunter2");
    let derived = key(0).derive("audit mac").unwrap();
    assert_eq!(
        hex(derived.as_slice()),
        "07c4a1a8c735c0d46ef036846f71dcc86f9a287521bfc754e774d269cd9d1af3",
        "what is derived from a key does not change between versions"
    );
    assert_ne!(key(0).derive("another").unwrap(), derived);
    assert_ne!(key(1).derive("audit mac").unwrap(), derived);
}

#[test]
fn no_changed_byte_and_no_other_length_opens() {
    let ring = ring(0, &[9]);
    let bytes = seal(&ring, &PLACE, b"sk_live_hunter2").unwrap().to_bytes();
    let opened = |bytes: &[u8]| open(&ring, &PLACE, &Sealed::from_bytes(bytes)?);
    assert!(opened(&bytes).is_ok());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let error = opened(&changed).expect_err("changed");
            match at {
                0 => assert_eq!(error, Error::UnknownFormat(changed[0])),
                1..9 => assert!(matches!(error, Error::UnknownMasterKey(_)), "byte {at}: {error}"),
                _ => assert_eq!(error, Error::Damaged, "byte {at}"),
            }
        }
        assert_eq!(opened(&bytes[..at]).expect_err("cut off"), Error::Damaged, "{at} bytes");
    }
    let longer = [bytes.as_slice(), b"\0"].concat();
    assert_eq!(opened(&longer).expect_err("longer"), Error::Damaged);
    // The name of another key of the ring does not make it that key's.
    let mut renamed = bytes;
    renamed[1..9].copy_from_slice(key(9).id().bytes());
    assert_eq!(opened(&renamed).expect_err("renamed"), Error::Damaged);
}

#[test]
fn a_sealed_value_opens_in_its_own_place_alone() {
    let ring = ring(0, &[]);
    let sealed = seal(&ring, &PLACE, b"hunter2").unwrap();
    assert!(open(&ring, &PLACE, &sealed).is_ok());
    let others: [&[&str]; 9] = [
        &[],
        &["secret"],
        &["secret", "agent-2", "stripe"],
        &["secret", "agent-1", "aws"],
        &["session", "agent-1", "stripe"],
        &["secret", "agent-1stripe"],
        &["secret", "agent-", "1stripe"],
        &["secret", "agent-1", "stripe", ""],
        &["secret", "stripe", "agent-1"],
    ];
    for place in others {
        assert_eq!(open(&ring, place, &sealed).map(drop), Err(Error::Damaged), "{place:?}");
        let rotated = self::ring(1, &[0]);
        assert_eq!(rewrap(&rotated, place, &sealed).map(drop), Err(Error::Damaged), "{place:?}");
    }
}

#[test]
fn parts_of_two_sealed_values_do_not_make_a_third() {
    let ring = ring(0, &[]);
    let one = seal(&ring, &PLACE, b"one").unwrap();
    let two = seal(&ring, &PLACE, b"two").unwrap();
    let mixed = Sealed { wrapping: two.wrapping.clone(), ..one.clone() };
    assert_eq!(open(&ring, &PLACE, &mixed).map(drop), Err(Error::Damaged));
    let mixed = Sealed { nonce: two.nonce, value: two.value.clone(), ..one };
    assert_eq!(open(&ring, &PLACE, &mixed).map(drop), Err(Error::Damaged));
}

#[test]
fn the_same_value_is_sealed_differently_each_time() {
    let ring = ring(0, &[]);
    let [one, two] = [(); 2].map(|()| seal(&ring, &PLACE, b"hunter2").unwrap());
    assert_ne!(one.wrapping.nonce, two.wrapping.nonce);
    assert_ne!(one.wrapping.data_key, two.wrapping.data_key);
    assert_ne!(one.nonce, two.nonce);
    assert_ne!(one.value, two.value);
}

#[test]
fn wrapping_anew_keeps_the_value_and_frees_the_old_key() {
    let old = seal(&ring(1, &[]), &PLACE, b"hunter2").unwrap();
    let both = ring(2, &[7, 1]);
    assert_eq!(open(&both, &PLACE, &old).unwrap().expose().as_slice(), b"hunter2");
    let new = rewrap(&both, &PLACE, &old).unwrap().expect("it was sealed under the old key");
    assert_eq!((new.nonce, &new.value), (old.nonce, &old.value), "the value is not encrypted again");
    let alone = ring(2, &[]);
    assert_eq!(new.master_key(), key(2).id());
    assert_eq!(open(&alone, &PLACE, &new).unwrap().expose().as_slice(), b"hunter2");
    assert_eq!(rewrap(&both, &PLACE, &new), Ok(None));
    assert_eq!(open(&alone, &PLACE, &old).map(drop), Err(Error::UnknownMasterKey(key(1).id())));
    assert_eq!(rewrap(&alone, &PLACE, &old), Err(Error::UnknownMasterKey(key(1).id())));
    assert_eq!(open(&ring(1, &[]), &PLACE, &new).map(drop), Err(Error::UnknownMasterKey(key(2).id())));
}

#[test]
fn a_value_has_a_longest_length() {
    let ring = ring(0, &[]);
    let longest = vec![7; MAX_PLAINTEXT];
    let sealed = seal(&ring, &[], &longest).unwrap();
    assert_eq!(open(&ring, &[], &sealed).unwrap().expose().as_slice(), longest);
    assert_eq!(seal(&ring, &[], &vec![7; MAX_PLAINTEXT + 1]), Err(Error::TooLong(MAX_PLAINTEXT)));
}

#[test]
fn a_master_key_is_read_in_each_of_its_forms() {
    // Of a kind that needs both letters in which the alphabets differ.
    let bytes: [u8; 32] = std::array::from_fn(|n| 0xfb_u8.wrapping_sub(u8::try_from(n).unwrap()));
    let standard = BASE64_STANDARD.encode(bytes);
    assert!(standard.contains(['+', '/']), "{standard}");
    let id = MasterKey::from_bytes(bytes).id();
    for text in [
        hex(&bytes),
        hex(&bytes).to_uppercase(),
        format!("\r\n {}\t\n", hex(&bytes)),
        standard.clone(),
        standard.trim_end_matches('=').to_owned(),
        format!("{standard}\n"),
        BASE64_URL_SAFE_NO_PAD.encode(bytes),
        format!("{}=\n", BASE64_URL_SAFE_NO_PAD.encode(bytes)),
    ] {
        assert_eq!(MasterKey::read(text.as_bytes()).unwrap().id(), id, "{text}");
    }
    assert_eq!(MasterKey::read(&bytes).unwrap().id(), id);
    // White space is part of a raw key.
    let mut spaced = bytes;
    (spaced[0], spaced[31]) = (b' ', b'\n');
    assert_eq!(MasterKey::read(&spaced).unwrap().id(), MasterKey::from_bytes(spaced).id());
}

#[test]
fn what_is_no_master_key_is_refused_and_not_shown() {
    let bytes: [u8; 32] = std::array::from_fn(|n| u8::try_from(n + 200).unwrap());
    let digits = hex(&bytes);
    let base64 = BASE64_STANDARD.encode(bytes);
    for (content, error) in [
        (b"".to_vec(), NotAKey::Empty),
        (b" \n\t".to_vec(), NotAKey::Empty),
        (vec![b' '; 32], NotAKey::Empty),
        (digits.as_bytes()[..62].to_vec(), NotAKey::Form),
        (format!("{digits}00").into_bytes(), NotAKey::Form),
        (format!("{}zz", &digits[..62]).into_bytes(), NotAKey::Form),
        (format!("{}é", &digits[..62]).into_bytes(), NotAKey::Form),
        (format!("0x{digits}").into_bytes(), NotAKey::Form),
        (BASE64_STANDARD.encode([9; 31]).into_bytes(), NotAKey::Form),
        (BASE64_STANDARD.encode([9; 33]).into_bytes(), NotAKey::Form),
        (BASE64_STANDARD.encode([9; 3000]).into_bytes(), NotAKey::Form),
        (format!("{base64}=").into_bytes(), NotAKey::Form),
        // Bits that are left over in the last letter.
        (base64.replace("c=", "d=").into_bytes(), NotAKey::Form),
        (bytes[..31].to_vec(), NotAKey::Form),
        ([bytes.as_slice(), b"\n"].concat(), NotAKey::Form),
        (digits.as_bytes()[..32].to_vec(), NotAKey::Text),
        (b"correct horse battery staple 123".to_vec(), NotAKey::Text),
        (vec![0; 32], NotAKey::NotRandom),
        ("0".repeat(64).into_bytes(), NotAKey::NotRandom),
        ("ab".repeat(32).into_bytes(), NotAKey::NotRandom),
    ] {
        let text = String::from_utf8_lossy(&content).into_owned();
        let found = MasterKey::read(&content).expect_err(&text);
        assert_eq!(found, error, "{text}");
        let shown = format!("{found} {found:?}");
        let start: String = text.chars().take(20).collect();
        assert!(text.len() < 20 || !shown.contains(&start), "{shown}");
        assert!(shown.contains("openssl rand -hex 32"), "{shown}");
    }
}

#[test]
fn the_name_of_a_key_is_read_as_it_is_written() {
    let id = key(0).id();
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in ["", "e4ccb9ff8921931", "e4ccb9ff892193160", "e4ccb9ff8921931g"] {
        assert!(text.parse::<KeyId>().is_err(), "{text}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let ring = ring(0, &[1]);
    let sealed = seal(&ring, &PLACE, b"hunter2").unwrap();
    let opened = open(&ring, &PLACE, &sealed).unwrap();
    let printed = format!("{ring:?} {:?} {sealed:?} {opened:?}", key(0));
    let (id, other) = (key(0).id(), key(1).id());
    assert_eq!(
        printed,
        format!(
            "Keyring {{ current: MasterKey({id}), previous: [MasterKey({other})] }} MasterKey({id}) \
             Sealed(under {id}) [secret]"
        )
    );
}

proptest! {
    #[test]
    fn every_value_opens_as_it_was_sealed(
        value in prop::collection::vec(any::<u8>(), 0..300),
        place in prop::collection::vec(".{0,12}", 0..4),
    ) {
        let ring = ring(0, &[]);
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let sealed = seal(&ring, &place, &value).unwrap();
        let read = Sealed::from_bytes(&sealed.to_bytes()).unwrap();
        prop_assert_eq!(&read, &sealed);
        let opened = open(&ring, &place, &read).unwrap();
        prop_assert_eq!(opened.expose().as_slice(), value.as_slice());
    }

    #[test]
    fn two_places_are_never_taken_for_one_another(
        one in prop::collection::vec("[ab]{0,3}", 0..4),
        two in prop::collection::vec("[ab]{0,3}", 0..4),
    ) {
        let ring = ring(0, &[]);
        let [one, two]: [Vec<&str>; 2] = [&one, &two].map(|place| place.iter().map(String::as_str).collect());
        let sealed = seal(&ring, &one, b"hunter2").unwrap();
        prop_assert_eq!(open(&ring, &two, &sealed).is_ok(), one == two);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic_and_written_back(
        first in prop::option::of(Just(1_u8)),
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes: Vec<u8> = first.into_iter().chain(rest).collect();
        if let Ok(sealed) = Sealed::from_bytes(&bytes) {
            prop_assert!(bytes.len() >= 97);
            prop_assert_eq!(sealed.to_bytes(), bytes);
            prop_assert!(open(&ring(0, &[]), &[], &sealed).is_err());
        } else {
            prop_assert!(bytes.len() < 97 || bytes[0] != 1);
        }
    }

    #[test]
    fn any_content_is_read_as_a_key_without_a_panic(content in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = MasterKey::read(&content);
    }
}
