//! The certificate in a file, as clients would judge it.

use std::path::Path;

use super::certificate::{Certificate, described};
use super::problem::Problem;
use super::server::out_of_time;
use crate::model::clock::Timestamp;
use crate::pem;

/// The certificates in a file, and what clients would refuse of the first one, its owner's, at sight.
///
/// # Errors
/// The file has no certificates that can be read.
pub fn read(path: &Path, now: Timestamp) -> Result<(Vec<Certificate>, Vec<Problem>), String> {
    let wrong = |why| format!("a certificate in `{}` {why}", path.display());
    let ders = pem::certificates_in(path)?;
    let chain: Result<Vec<_>, _> = ders.iter().map(|der| described(der, now).map_err(wrong)).collect();
    let chain = chain?;
    let mut found: Vec<_> =
        chain.iter().filter_map(|one| out_of_time("a certificate in the file", one, now)).collect();
    for (one, next) in chain.iter().zip(chain.iter().skip(1)) {
        if one.issuer != next.subject {
            found.push(Problem::new(
                "chain_order",
                format!("`{}` is followed by `{}`, which has not issued it", one.subject, next.subject),
                "write the server's own certificate first, and then each one's issuer",
            ));
        }
    }
    if let Some(leaf) = chain.first().filter(|leaf| !leaf.for_servers) {
        found.push(Problem::new(
            "wrong_usage",
            format!("`{}` is not for servers (extended key usage)", leaf.subject),
            "have one issued with `serverAuth`",
        ));
    }
    Ok((chain, found))
}
