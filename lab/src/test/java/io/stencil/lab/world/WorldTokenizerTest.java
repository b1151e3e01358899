package io.stencil.lab.world;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class WorldTokenizerTest {

    private static final Path COMMITTED =
            Path.of("../models/tiny-klein/tokenizer").resolve(WorldTokenizer.FILE_NAME);

    @Test
    void tinyKleinHasThisTokenizer() throws IOException {
        assertThat(WorldTokenizer.json()).isEqualTo(Files.readString(COMMITTED));
    }

    @Test
    void everyWordOfACaptionIsInTheVocabulary() {
        for (int index = 0; index < 500; index++) {
            String caption = Scene.captioned(new Draws(7, index)).caption();
            assertThat(WorldTokenizer.Vocabulary.words())
                    .containsAll(Pattern.compile("[ ,]+").splitAsStream(caption).toList());
        }
    }

    @Test
    void theMostFrequentPairIsJoinedFirst() {
        // "ab" occurs 5 times; of the three pairs that are left, each twice, the first in the alphabet comes first.
        assertThat(WorldTokenizer.BytePairs.learn(Map.of("abc", 2, "ab", 3, "bc", 2, "ca", 2)))
                .containsExactly(
                        new WorldTokenizer.BytePairs.Pair("a", "b"),
                        new WorldTokenizer.BytePairs.Pair("ab", "c"),
                        new WorldTokenizer.BytePairs.Pair("b", "c"),
                        new WorldTokenizer.BytePairs.Pair("c", "a"));
        assertThat(WorldTokenizer.BytePairs.learn(Map.of("aaa", 1)))
                .isEqualTo(List.of(
                        new WorldTokenizer.BytePairs.Pair("a", "a"), new WorldTokenizer.BytePairs.Pair("aa", "a")));
    }
}
