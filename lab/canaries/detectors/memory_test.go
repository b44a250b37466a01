package detectors

import "testing"

func TestFreesTwice(t *testing.T) {
	freesTwice()
	emptyCall()
}

func TestPointsToMoreThanThereIs(t *testing.T) { t.Log(pointsToMoreThanThereIs()) }

func TestHoldsMemoryInGo(t *testing.T) {
	holdsMemoryInGo()
	emptyCall()
}

func TestReadsStrings(t *testing.T) { t.Log(readsStrings()) }
