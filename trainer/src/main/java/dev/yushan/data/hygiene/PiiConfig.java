package dev.yushan.data.hygiene;

/// Which personal data is looked for, and what becomes of it.
///
/// @param companyNumberContext whether eight digits count as a company number only after a word
///   such as 統一編號; without, one in five of all eight-digit numbers does
/// @param privateIp whether addresses of private networks, loopback and documentation count
/// @param placeholder how redacted data is marked
public record PiiConfig(
    PiiAction nationalId,
    PiiAction residentId,
    PiiAction companyNumber,
    PiiAction phone,
    PiiAction email,
    PiiAction ipAddress,
    PiiAction cardNumber,
    boolean companyNumberContext,
    boolean privateIp,
    PlaceholderStyle placeholder) {
  /// Company numbers are public records, hence only counted.
  public static final PiiConfig DEFAULTS =
      new PiiConfig(
          PiiAction.REDACT,
          PiiAction.REDACT,
          PiiAction.REPORT,
          PiiAction.REDACT,
          PiiAction.REDACT,
          PiiAction.REDACT,
          PiiAction.REDACT,
          true,
          false,
          PlaceholderStyle.CHINESE);

  /// The same action for all kinds, else the defaults.
  public static PiiConfig all(PiiAction action) {
    return new PiiConfig(
        action,
        action,
        action,
        action,
        action,
        action,
        action,
        true,
        false,
        PlaceholderStyle.CHINESE);
  }

  /// What becomes of data of `kind`.
  public PiiAction action(PiiKind kind) {
    return switch (kind) {
      case NATIONAL_ID -> nationalId;
      case RESIDENT_ID -> residentId;
      case COMPANY_NUMBER -> companyNumber;
      case PHONE -> phone;
      case EMAIL -> email;
      case IP_ADDRESS -> ipAddress;
      case CARD_NUMBER -> cardNumber;
    };
  }
}
