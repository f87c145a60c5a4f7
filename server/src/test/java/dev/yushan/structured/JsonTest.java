package dev.yushan.structured;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.yushan.generate.TokenConstraint;
import dev.yushan.text.Tokenizer;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// JSON schemas: what may be written, what may not, and what is refused.
class JsonTest {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private static final String TREE =
      """
      {"$defs": {"node": {"type": "object", "properties": {
          "name": {"type": "string", "maxLength": 3},
          "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
        "required": ["name"]}},
       "$ref": "#/$defs/node"}\
      """;

  /// Each with a text that fits, and one that does not (or that is never written).
  @ParameterizedTest
  @CsvSource(
      delimiter = '§',
      value = {
        "{'type':'string'} § \"中\\n\\u4e2d\\ud83d\\ude00\" § \"\\ud83d\"",
        "{'type':'integer'} § -120 § 012",
        "{'type':'number'} § -1.5e-7 § 1.",
        "{'type':['integer','null']} § null § true",
        "{'type':'boolean'} § false § 0",
        "true § {\"a\": [1,{}]} § {\"a\": [1,{}",
        "{'type':'array','items':{'type':'integer'},'minItems':1,'maxItems':2} § [1, 2] § []",
        "{'type':'array','items':{'type':'integer'},'maxItems':2} § [] § [1,2,3]",
        "{'type':'array','maxItems':0} § [] § [1]",
        "{'prefixItems':[{'type':'integer'},{'type':'string'}]} § [1,\"a\"] § [1,\"a\",2]",
        "{'prefixItems':[{'type':'integer'}],'items':{'type':'null'}} § [1,null,null] § [null]",
        "{'properties':{'a':{'type':'null'},'b':{'type':'null'}},'required':['b']} § {\"b\":null} §"
            + " {\"a\":null}",
        "{'properties':{'a':{'type':'null'},'b':{'type':'null'}}} § {} § {\"b\":null,\"a\":null}",
        "{'properties':{'a':{'type':'null'},'b':{'type':'null'}}} § {\"a\": null, \"b\": null} §"
            + " {,\"b\":null}",
        "{'type':'object','additionalProperties':{'type':'integer'}} § {\"x\":1,\"y\":2} §"
            + " {\"x\":\"1\"}",
        "{'type':'object','additionalProperties':false} § {} § {\"x\":1}",
        "{'type':'object','minProperties':1,'maxProperties':1} § {\"x\":1} § {}",
        "{'properties':{'x':{'type':'array','items':{'type':'array','items':{'type':'integer'}}},"
            + "'x/items':{'type':'array','items':{'type':'boolean'}}}} §"
            + " {\"x\":[[1]],\"x/items\":[true]} § {\"x\":[[true]]}",
        "{'properties':{'ab':{'type':'array','items':{'type':'boolean'}},'a%62':{'type':'array','items':{'type':'integer'}},'c':{'$ref':'#/properties/a%62/items'}}}"
            + " § {\"c\":true} § {\"c\":1}",
        "{'enum':['紅','綠',3,null,{'a':[1,2]}]} § {\"a\": [1, 2]} § \"藍\"",
        "{'type':'string','enum':['a',1]} § \"a\" § 1",
        "{'const':'x\\u0022y'} § \"x\\\"y\" § \"xy\"",
        "{'anyOf':[{'type':'integer'},{'type':'null'}]} § 5 § \"\"",
        "{'oneOf':[{'const':1},{'const':2}]} § 2 § 3",
        "{'allOf':[{'type':'null'}],'title':'t'} § null § 1",
        "{'type':'string','minLength':2,'maxLength':3} § \"中文\" § \"中\"",
        "{'type':'string','pattern':'^[A-Z]{2}$'} § \"AB\" § \"ABC\"",
        "{'type':'string','pattern':'b+'} § \"abc\" § \"ac\"",
        "{'type':'string','pattern':'^a|b$'} § \"axx\" § \"ba\"",
        "{'type':'string','pattern':'^.[\\u0022]$'} § \"\\\\\\\"\" § \"\\\"\"",
        "{'format':'date'} § \"2024-02-29\" § \"2023-02-29\"",
        "{'format':'date-time'} § \"2026-07-27T10:00:00+08:00\" § \"2026-07-27\"",
        "{'format':'time'} § \"23:59:59Z\" § \"24:00:00Z\"",
        "{'format':'uuid'} § \"123e4567-e89b-12d3-a456-426614174000\" § \"123e4567\"",
        "{'format':'email'} § \"a.b@example.com.tw\" § \"a@b\"",
        "{'format':'ipv4'} § \"192.168.0.255\" § \"192.168.0.256\"",
        "{'type':'number','minimum':0,'maximum':1} § 0.25 § 1.01",
        "{'type':'number','exclusiveMinimum':-1.5,'exclusiveMaximum':2.25} § -1.49 § -1.50",
        "{'minimum':3} § 3.1 § 2.9",
        "{'type':'string','title':'t','description':'d','default':'x','$comment':'c','examples':[]}"
            + " § \"\" § 1"
      })
  void whatMayBeWritten(String schema, String fits, String not) throws Exception {
    Automaton automaton = automaton(schema);
    JSON.readTree(fits);
    assertThat(Tokens.accepts(automaton, fits)).as(fits).isTrue();
    assertThat(Tokens.accepts(automaton, not)).as(not).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '§',
      value = {
        "{'properties':{'a':{'multipleOf':3}}} § '#/properties/a has the keyword multipleOf'",
        "{'not':{}} § # has the keyword not",
        "{'patternProperties':{}} § patternProperties",
        "{'if':{}} § the keyword if",
        "{'uniqueItems':true} § uniqueItems",
        "{'type':'text'} § '#/type is \"text\"'",
        "{'$ref':'other.json'} § refers to \"other.json\"",
        "{'$ref':'#/$defs/x'} § which is not in the schema",
        "{'$ref':'#'} § no finite text fits",
        "{'anyOf':[{'type':'null'},{'$ref':'#'}]} § a value is defined as itself",
        "{'properties':{'a':{'$ref':'#'}},'required':['a']} § no finite text fits",
        "{'anyOf':[{}],'type':'string'} § has type beside anyOf",
        "{'allOf':[{},{}]} § more than one schema",
        "{'enum':[]} § must be a list that is not empty",
        "{'properties':{},'required':['a']} § 'names [a]'",
        "{'type':'string','pattern':'(?=a)'} § #/pattern cannot be followed",
        "{'type':'string','pattern':'a','minLength':3} § more than one of pattern",
        "{'format':'uri'} § '[date, date-time, email, ipv4, time, uuid]'",
        "{'minItems':3,'maxItems':2} § is above the greatest allowed",
        "{'minLength':-1} § must be a whole number from 0",
        "{'type':'integer','minimum':2,'maximum':1} § no finite text fits",
        "{'minimum':'3'} § must be a number",
        "{'type':'array','items':[{}]} § must be an object of keywords",
        "false § must be an object of keywords",
        "3 § must be an object of keywords"
      })
  void refusedByName(String schema, String message) {
    assertThatThrownBy(() -> automaton(schema))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  /// All whole numbers and all decimals of two digits, against every pair of bounds.
  @Test
  void boundsOfNumbers() {
    List<BigDecimal> bounds =
        Stream.of("-12", "-1.5", "-0.25", "0", "0.3", "1", "9.99", "10", "107")
            .map(BigDecimal::new)
            .toList();
    for (BigDecimal low : bounds) {
      for (BigDecimal high : bounds) {
        for (int in = 0; low.compareTo(high) < 0 && in < 4; in++) {
          boundsOfNumbers(new NumberRange(low, (in & 1) == 0, high, (in & 2) == 0));
        }
      }
    }
  }

  private static void boundsOfNumbers(NumberRange range) {
    Automaton decimals = new Automaton(Assembler.assemble(range.decimals(), Map.of()));
    Expr whole = Expr.choice(range.integers(), Expr.text("none"));
    Automaton integers = new Automaton(Assembler.assemble(whole, Map.of()));
    for (int hundredths = -1300; hundredths <= 11000; hundredths += hundredths % 7 == 0 ? 1 : 7) {
      BigDecimal value = BigDecimal.valueOf(hundredths, 2);
      int low = value.compareTo(range.low());
      int high = value.compareTo(range.high());
      boolean fits =
          (low > 0 || low == 0 && range.lowIn()) && (high < 0 || high == 0 && range.highIn());
      String text = value.toString();
      assertThat(Tokens.accepts(decimals, text)).as("%s in %s", text, range).isEqualTo(fits);
      if (hundredths % 100 == 0) {
        String integer = value.toBigInteger().toString();
        assertThat(Tokens.accepts(integers, integer)).as("%s in %s", text, range).isEqualTo(fits);
      }
    }
  }

  @Test
  void treesAreAsDeepAsOneLikes() {
    Automaton automaton = automaton(TREE);
    String text = "{\"name\":\"a\",\"children\":[".repeat(2000) + "]}".repeat(2000);
    assertThat(Tokens.accepts(automaton, text)).isTrue();
    assertThat(Tokens.accepts(automaton, text.substring(1))).isFalse();
    assertThat(Tokens.accepts(automaton, text + "}")).isFalse();
  }

  @Test
  void tokensAcrossTheBordersOfValues() {
    Vocabulary vocabulary = Tokens.vocabulary("{\"a\":\"", "\":{\"", "\"},\"", "\"}", "中\":{\"a");
    TokenConstraint any =
        new MaskedText(
            new Automaton(Assembler.assemble(JsonText.ANY_OBJECT, JsonText.RULES)), vocabulary);
    assertThat(any.start().allowed().get(256)).isTrue();
    assertThat(any.start().allowed().get(257)).isFalse();
    TokenConstraint.State inString = any.start().next(256);
    assertThat(inString.allowed().get(257)).isFalse();
    assertThat(inString.allowed().get(258)).isFalse();
    assertThat(inString.allowed().get(259)).isTrue();
    TokenConstraint.State inName = any.start().next('{').next('"');
    assertThat(inName.allowed().get(260)).isTrue();
    assertThat(inName.next(260).allowed().get(257)).isTrue();
    assertThatThrownBy(() -> inString.next(257)).hasMessageContaining("may not come here");
    TokenConstraint.State ended = inString.next(259).next(261);
    assertThat(ended.allowed().stream().toArray()).containsExactly(261);
  }

  @Test
  void randomTextsOfTheRealVocabularyFit() throws Exception {
    Tokenizer tokenizer = Tokens.llama3();
    Vocabulary vocabulary = Vocabulary.of(tokenizer, Tokens.llama3Ends(tokenizer));
    Structured structured = new Structured(vocabulary);
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (String schema : List.of(Schemas.PERSON, TREE, Schemas.EVENT, "{'type':'object'}")) {
      JsonNode node = JSON.readTree(schema.replace('\'', '"'));
      TokenConstraint constraint = structured.json(node);
      assertThat(structured.json(node)).isSameAs(constraint);
      for (int walk = 0; walk < 20; walk++) {
        String text = Tokens.write(constraint, vocabulary, random, random.nextInt(40));
        JsonNode value = JSON.readTree(text);
        assertThat(Schemas.fault(node, value, node)).as("seed %d: %s", seed, text).isEmpty();
      }
    }
    for (int walk = 0; walk < 20; walk++) {
      String text = Tokens.write(structured.anyJson(), vocabulary, random, random.nextInt(60));
      assertThat(JSON.readTree(text).isObject()).as("seed %d: %s", seed, text).isTrue();
    }
    TokenConstraint choice = structured.choice(List.of("台北", "台中", "高雄"));
    assertThat(Tokens.write(choice, vocabulary, random, 9)).isIn("台北", "台中", "高雄");
    assertThat(choice.start().allowed().get(128_000)).isFalse();
  }

  private static Automaton automaton(String schema) {
    try {
      return new Automaton(JsonSchema.program(JSON.readTree(schema.replace('\'', '"'))));
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }
}
