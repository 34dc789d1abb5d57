package dev.altair.sample

import dev.altair.model.EntityId
import dev.altair.model.Kind
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class NavigationTest {
    private val fig = EntityId("fig")
    private val plum = EntityId("plum")
    private val navigation = Navigation()

    @Test
    fun a_section_remembers_what_was_open_in_it() {
        navigation.open(Kind.Note, fig)
        navigation.go(Section.Quests)
        navigation.go(Section.Notes)
        assertEquals(Place(Section.Notes, fig), navigation.place.value)
    }

    @Test
    fun one_goes_back_the_way_one_came() {
        navigation.open(Kind.Note, fig)
        navigation.open(Kind.Quest, plum)
        assertTrue(navigation.back())
        assertEquals(Place(Section.Notes, fig), navigation.place.value)
        assertTrue(navigation.back())
        assertEquals(Place(Section.Inbox), navigation.place.value)
        assertFalse(navigation.back())
    }

    @Test
    fun nobody_comes_back_to_what_has_gone_away() {
        navigation.open(Kind.Note, fig)
        navigation.open(Kind.Quest, plum)
        navigation.forget(fig)
        navigation.go(Section.Notes)
        assertEquals(Place(Section.Notes), navigation.place.value)
    }
}
