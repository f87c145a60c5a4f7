package dev.yushan.data.hygiene;

/// Kinds of personal data.
public enum PiiKind {
  /// 國民身分證統一編號: a letter, 1 or 2, eight digits, with a check digit.
  NATIONAL_ID("身分證字號"),
  /// 居留證統一證號: a letter, 8 or 9, eight digits (since 2021), or two letters and eight digits.
  RESIDENT_ID("居留證號"),
  /// 營利事業統一編號: eight digits, with a check.
  COMPANY_NUMBER("統一編號"),
  /// Taiwanese mobile, fixed and toll-free numbers.
  PHONE("電話"),
  EMAIL("電子郵件"),
  /// IPv4 and IPv6.
  IP_ADDRESS("IP位址"),
  /// Payment cards, with a check digit and a known issuer.
  CARD_NUMBER("信用卡號");

  private final String chinese;

  PiiKind(String chinese) {
    this.chinese = chinese;
  }

  /// What stands in the place of one that is redacted: `[電話]` or `[PHONE]`.
  public String placeholder(PlaceholderStyle style) {
    return "[" + (style == PlaceholderStyle.CHINESE ? chinese : name()) + "]";
  }
}
