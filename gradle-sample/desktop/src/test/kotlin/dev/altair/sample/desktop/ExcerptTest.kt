package dev.altair.sample.desktop

import dev.altair.sample.desktop.rooms.excerpt
import kotlin.test.Test
import kotlin.test.assertEquals

class ExcerptTest {
    @Test
    fun the_first_words_stand_without_their_marks() {
        assertEquals("Figs are ripe", excerpt("\n# **Figs** are [[Ripe fruit|ripe]]\n\nmore"))
        assertEquals("Our site says", excerpt("![[map.png]]\n> Our [site](https://example.org) says"))
        assertEquals("prune", excerpt("- [ ] prune"))
        assertEquals("", excerpt(""))
    }
}
