package dev.altair.model

import kotlinx.datetime.Instant
import kotlinx.datetime.LocalDate
import kotlin.jvm.JvmInline
import kotlin.math.abs

/** How much of something there is: a decimal number with three places, exact. */
@JvmInline
public value class Quantity(
    /** The number times a thousand. */
    public val thousandths: Long,
) : Comparable<Quantity> {
    override fun compareTo(other: Quantity): Int = thousandths.compareTo(other.thousandths)

    /** The number without needless zeros: `12`, `0.5`, `-1.25`. */
    override fun toString(): String {
        val whole = thousandths / THOUSAND
        val part = abs(thousandths % THOUSAND)
        val sign = if (thousandths < 0 && whole == 0L) "-" else ""
        return if (part == 0L) "$whole" else "$sign$whole." + part.toString().padStart(PLACES, '0').trimEnd('0')
    }

    /** Whole numbers, and what people type. */
    public companion object {
        private const val THOUSAND = 1000L
        private const val PLACES = 3
        private val NUMBER = Regex("""([+-]?)(\d*)(?:[.,](\d{1,3}))?""")

        /** Nothing of it. */
        public val Zero: Quantity = Quantity(0)

        /**
         * A whole number of things.
         *
         * @throws IllegalArgumentException when it is beyond 9,223,372,036,854,775 either way.
         */
        public fun of(number: Long): Quantity {
            require(number in Long.MIN_VALUE / THOUSAND..Long.MAX_VALUE / THOUSAND) {
                "$number is too large for a quantity"
            }
            return Quantity(number * THOUSAND)
        }

        /** What a person typed, as `2`, `-1` or `0,5`; null when it is no number with at most three places, or too large. */
        public fun parse(text: String): Quantity? {
            val (sign, whole, part) = NUMBER.matchEntire(text.trim())?.destructured ?: return null
            if (whole.isEmpty() && part.isEmpty()) return null
            val thousandths = sign.trim('+') + whole + part.padEnd(PLACES, '0')
            return thousandths.toLongOrNull()?.let(::Quantity)
        }
    }
}

/** When a quest is due: a day, or a moment. */
public sealed interface Due {
    /** Some time on a day, wherever one is. */
    public data class Day(
        /** The day. */
        public val date: LocalDate,
    ) : Due {
        override fun toString(): String = date.toString()
    }

    /** At a moment. */
    public data class Moment(
        /** The moment. */
        public val instant: Instant,
    ) : Due {
        override fun toString(): String = instant.toString()
    }

    /** What people type. */
    public companion object {
        /** `2026-12-24` or an RFC 3339 moment; null when it is neither. */
        public fun parse(text: String): Due? {
            val trimmed = text.trim()
            val day = runCatching { LocalDate.parse(trimmed) }.getOrNull()
            return if (day != null) Day(day) else runCatching { Moment(Instant.parse(trimmed)) }.getOrNull()
        }
    }
}
