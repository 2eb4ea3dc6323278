//! Archives: cut short, hostile, mutated.

use super::*;

#[test]
fn an_archive_cut_short_anywhere_is_refused() {
    let tar = sample_tar();
    let whole = gzip(&tar);
    assert!(load_bytes(&whole).is_ok());
    for length in 0..whole.len() {
        let error = load_bytes(&whole[..length]).expect_err("a cut gzip stream must be refused");
        assert!(matches!(error.kind, ErrorKind::Archive), "{length}: {error}");
    }
    // The last of the two blocks of the end mark may be cut no more than the first.
    for length in (0..tar.len()).step_by(7).chain([tar.len() - 1, tar.len() - 512, tar.len() - 1024]) {
        let result = load_bytes(&gzip(&tar[..length]));
        assert!(result.is_err(), "a tar cut at {length} of {} was read", tar.len());
    }
}

#[test]
fn what_follows_an_archive_is_refused() {
    let tar = sample_tar();
    let padded = [tar.clone(), vec![0; 10_240]].concat();
    assert!(load_bytes(&gzip(&padded)).is_ok(), "tar pads its records with zeros");
    for (bytes, expected) in [
        ([gzip(&tar), b"x".to_vec()].concat(), "1 bytes of trailing data"),
        ([gzip(&tar), gzip(&tar)].concat(), "bytes of trailing data after the gzip stream"),
        (gzip(&[tar.clone(), b"x".to_vec()].concat()), "continues after its end-of-archive marker"),
        (gzip(&[tar.clone(), tar.clone()].concat()), "continues after its end-of-archive marker"),
        (tar, "corrupt or truncated"),
        (Vec::new(), "corrupt or truncated"),
    ] {
        let error = load_bytes(&bytes).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

fn special(kind: EntryType, name: &str) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    member(&mut builder, "app/policy.rego", POLICY.as_bytes());
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_mode(0o644);
    header.set_path(name).unwrap();
    header.set_link_name("/etc/passwd").unwrap();
    header.set_cksum();
    builder.append(&header, &[][..]).unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn hostile_archives_are_refused() {
    let policy = ("app/policy.rego", POLICY.as_bytes());
    for (tar, kind, expected) in [
        (special(EntryType::Symlink, "data.json"), ErrorKind::Archive, "a symbolic link"),
        (special(EntryType::Link, "data.json"), ErrorKind::Archive, "a hard link"),
        (special(EntryType::Symlink, "README.md"), ErrorKind::Archive, "a symbolic link"),
        (special(EntryType::Char, "data.json"), ErrorKind::Archive, "a device"),
        (special(EntryType::Block, "data.json"), ErrorKind::Archive, "a device"),
        (special(EntryType::Fifo, "data.json"), ErrorKind::Archive, "a pipe"),
        (special(EntryType::new(b'Z'), "data.json"), ErrorKind::Archive, "of an unknown type"),
        (tar_of(&[policy, ("../data.json", b"{}")]), ErrorKind::Archive, "leads outside the bundle"),
        (tar_of(&[policy, ("a/../../data.json", b"{}")]), ErrorKind::Archive, "leads outside the bundle"),
        (tar_of(&[policy, ("//etc/data.json", b"{}")]), ErrorKind::Archive, "an absolute path"),
        (tar_of(&[policy, ("C:\\data.json", b"{}")]), ErrorKind::Archive, "a backslash"),
        (tar_of(&[policy, policy]), ErrorKind::Archive, "duplicate member"),
        (tar_of(&[policy, ("./app/policy.rego", b"")]), ErrorKind::Archive, "duplicate member"),
        (tar_of(&[policy, ("/app/./policy.rego", b"")]), ErrorKind::Archive, "duplicate member"),
        (tar_of(&[policy, ("app/a\nb.rego", b"")]), ErrorKind::Archive, "a control character"),
        (tar_of(&[policy, ("x.bin", &vec![0; 7 << 20])]), ErrorKind::Limit, "250 times"),
        (tar_of(&[policy, ("x.bin", &vec![0; 9 << 20])]), ErrorKind::Limit, "bundles.max_bundle_size"),
    ] {
        let error = load_bytes(&gzip(&tar)).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(expected), "expected {expected}, got {error}");
    }
    let mut not_utf8 = tar_of(&[("app/poli_y.rego", b"")]);
    not_utf8[8] = 0xff;
    // The header's sum follows the byte that was changed.
    let sum: u32 = not_utf8[..512]
        .iter()
        .enumerate()
        .map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) })
        .sum();
    not_utf8[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert!(load_bytes(&gzip(&not_utf8)).unwrap_err().to_string().contains("not UTF-8"));
    let many: Vec<(String, Vec<u8>)> = (0..101).map(|n| (format!("f{n}.md"), Vec::new())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    assert!(load_bytes(&gzip(&tar_of(&many))).unwrap_err().to_string().contains("more than 100 files"));
}

#[test]
fn long_names_and_the_headers_of_other_tools_are_read() {
    let long = format!("{}/data.json", ["segment"; 40].join("/"));
    let gnu = tar_of(&[("app/policy.rego", POLICY.as_bytes()), (&long, b"{\"a\": 1}")]);
    let bundle = load_bytes(&gzip(&gnu)).unwrap();
    assert_eq!(bundle.documents[0].path.len(), 40);

    let mut builder = Builder::new(Vec::new());
    let mut global = Header::new_ustar();
    global.set_entry_type(EntryType::XGlobalHeader);
    global.set_path("pax_global_header").unwrap();
    let comment = b"16 comment=abcd\n";
    global.set_size(comment.len() as u64);
    global.set_cksum();
    builder.append(&global, &comment[..]).unwrap();
    builder.append_pax_extensions([("path", long.as_bytes())]).unwrap();
    member(&mut builder, "short", b"{\"a\": 1}");
    let mut folder = Header::new_ustar();
    folder.set_entry_type(EntryType::Directory);
    folder.set_path("app/").unwrap();
    folder.set_size(0);
    folder.set_cksum();
    builder.append(&folder, &[][..]).unwrap();
    member(&mut builder, "._policy.rego", b"what a Mac leaves behind");
    let bundle = load_bytes(&gzip(&builder.into_inner().unwrap())).unwrap();
    assert_eq!(bundle.documents[0].path.len(), 40);
    assert!(bundle.modules.is_empty());
}

#[test]
fn a_directory_that_may_not_be_read_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    write_all(dir.path(), &[("a/p.rego", POLICY)]);
    let closed = dir.path().join("a");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let result = load_watched(dir.path());
    let privileged = fs::read_dir(&closed).is_ok();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    if privileged {
        crate::harness::not_tested("unreadable folders: this user may read everything");
        return;
    }
    let error = result.unwrap_err().to_string();
    assert!(error.contains("give the user that runs verdict read permission"), "{error}");
}

/// A changed archive either gives an error, or a set that declares what its manifest (if it still has it) and the
/// configuration require. It never panics.
fn mutant_is_safe(archive: &[u8]) {
    let Ok(bundle) = load_bytes(archive) else { return };
    let required = [EntryPath::parse("app/allow").unwrap()];
    let conditions = Conditions { required: &required, ..Conditions::default() };
    if let Ok(snapshot) = bundle::activate(&[bundle], 1, Timestamp(0), &conditions) {
        assert!(snapshot.shared.program.declares(&required[0]));
    }
}

fn mutate(bytes: &mut Vec<u8>, changes: &[(prop::sample::Index, u8, u8)]) {
    for (place, how, byte) in changes {
        if bytes.is_empty() {
            return;
        }
        let at = place.index(bytes.len());
        match how % 5 {
            0 => bytes[at] = *byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..(at + usize::from(*byte)).min(bytes.len()))),
            _ => bytes.insert(at, *byte),
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec(any::<(prop::sample::Index, u8, u8)>(), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn mutants_of_the_gzip_stream_are_safe(changes in changes()) {
        let mut archive = gzip(&sample_tar());
        mutate(&mut archive, &changes);
        mutant_is_safe(&archive);
    }

    #[test]
    fn mutants_of_the_tar_are_safe(changes in changes()) {
        let mut tar = sample_tar();
        mutate(&mut tar, &changes);
        mutant_is_safe(&gzip(&tar));
    }

    #[test]
    fn mutants_of_policy_and_manifest_are_safe(policy in changes(), manifest in changes()) {
        let (mut rego, mut text) = (POLICY.as_bytes().to_vec(), MANIFEST.as_bytes().to_vec());
        mutate(&mut rego, &policy);
        mutate(&mut text, &manifest);
        mutant_is_safe(&gzip(&tar_of(&[(".manifest", &text), ("app/policy.rego", &rego), ("users/data.json", b"{}")])));
    }
}
