/// Duplicates and contamination: keyed reductions over all documents of all sources.
///
/// 1. [Signer] makes of each document, on its own, a [Signature]: a 128-bit hash of the normalised
///    text and the keys of its MinHash bands. [Signatures] keeps them, in memory and in files.
/// 2. [Dedup] decides over the signatures of all documents in order which are kept: [Decisions]. It
///    looks at texts again only to verify candidates, through a [TextLookup].
///
/// [Decontamination] knows the n-grams of benchmark files and finds them in documents.
package dev.yushan.data.dedup;
