package dev.altair.model

import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

class QuantityTest {
    @Test
    fun `a quantity is written without needless zeros`() {
        val written = mapOf(
            0L to "0",
            12_000L to "12",
            500L to "0.5",
            -500L to "-0.5",
            -1_250L to "-1.25",
            1L to "0.001",
            -1L to "-0.001",
            1_010L to "1.01",
            Long.MAX_VALUE to "9223372036854775.807",
            Long.MIN_VALUE to "-9223372036854775.808",
        )
        for ((thousandths, text) in written) assertEquals(text, Quantity(thousandths).toString())
    }

    @Test
    fun `what a person types is read`() {
        val read = mapOf(
            "2" to 2_000L,
            "-1" to -1_000L,
            "+3" to 3_000L,
            "0,5" to 500L,
            ".25" to 250L,
            "-.5" to -500L,
            " 1.125 " to 1_125L,
            "007" to 7_000L,
            "-0" to 0L,
        )
        for ((text, thousandths) in read) assertEquals(Quantity(thousandths), Quantity.parse(text), text)
    }

    @Test
    fun `what is no quantity is not guessed at`() {
        val wrong = listOf(
            "", " ", "-", "+", ".", ",", "1.", "1.2345", "1e3", "twelve", "1 2", "--1", "1.2.3", "1,2,3", "0x10", "∞", "NaN", "½", "٣", "1\u0000",
        )
        for (text in wrong) assertNull(Quantity.parse(text), "\"$text\"")
    }

    @Test
    fun `every quantity is read back as it was written`() {
        val random = Random(4)
        val some = List(20_000) { random.nextLong() shr random.nextInt(64) }
        val edges = listOf(Long.MIN_VALUE, Long.MIN_VALUE + 1, -1, 0, 1, 999, 1000, Long.MAX_VALUE - 1, Long.MAX_VALUE)
        for (thousandths in some + edges) {
            val quantity = Quantity(thousandths)
            assertEquals(quantity, Quantity.parse(quantity.toString()))
        }
    }

    @Test
    fun `a number that no quantity holds is no quantity`() {
        for (text in listOf("9223372036854775.808", "-9223372036854775.809", "1" + "0".repeat(40))) {
            assertNull(Quantity.parse(text), text)
        }
    }

    @Test
    fun `whole things are counted as far as a quantity goes`() {
        val most = Long.MAX_VALUE / 1000
        assertEquals(Quantity(12_000), Quantity.of(12))
        assertEquals("$most", Quantity.of(most).toString())
        assertEquals("-$most", Quantity.of(-most).toString())
        for (number in listOf(most + 1, -most - 1, Long.MAX_VALUE, Long.MIN_VALUE)) {
            assertFailsWith<IllegalArgumentException> { Quantity.of(number) }
        }
    }

    @Test
    fun `quantities are in the order of their numbers`() {
        val sorted = listOf(Quantity(Long.MIN_VALUE), Quantity.of(-1), Quantity.Zero, Quantity(1), Quantity.of(2))
        assertEquals(sorted, sorted.shuffled(Random(4)).sorted())
        assertTrue(Quantity.of(2) > Quantity(1_999))
    }
}
