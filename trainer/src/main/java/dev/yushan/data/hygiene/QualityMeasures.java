package dev.yushan.data.hygiene;

/// What is measured of a text. Ratios are 0 to 1; of characters: those that are neither white space
/// nor rules of a table (┌─┬┐); of lines: those that are not blank.
///
/// @param characters how many
/// @param hanRatio Han characters
/// @param latinRatio Latin letters
/// @param digitRatio digits
/// @param symbolRatio what is neither letter, digit nor punctuation: `#`, `*`, `|`, currency, emoji
/// @param brokenRatio U+FFFD, controls, and characters of known wreckage (`ä¸­`, 锟斤拷)
/// @param bulletLineRatio lines that begin with a bullet
/// @param ellipsisLineRatio lines that end in an ellipsis
/// @param unpunctuatedLineRatio lines that end without a mark of punctuation
/// @param boilerplateLineRatio characters in lines of at most 60 with a phrase of `boilerplate.txt`
/// @param duplicateLineRatio characters in lines that occurred before
/// @param topNgramRatio characters in the most frequent short n-gram
/// @param duplicateNgramRatio characters in long n-grams that occurred before
public record QualityMeasures(
    int characters,
    double hanRatio,
    double latinRatio,
    double digitRatio,
    double symbolRatio,
    double brokenRatio,
    double bulletLineRatio,
    double ellipsisLineRatio,
    double unpunctuatedLineRatio,
    double boilerplateLineRatio,
    double duplicateLineRatio,
    double topNgramRatio,
    double duplicateNgramRatio) {}
