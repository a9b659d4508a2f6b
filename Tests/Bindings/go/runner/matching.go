package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

var reference = regexp.MustCompile(`\$\{([^}]+)\}`)

// fill replaces each ${name.path} in the strings of a value.
func fill(value any, saved document) (any, error) {
	switch value := value.(type) {
	case string:
		return fillText(value, saved)
	case []any:
		filled := make([]any, len(value))
		for i := range value {
			var err error
			if filled[i], err = fill(value[i], saved); err != nil {
				return nil, err
			}
		}
		return filled, nil
	case document:
		filled := document{}
		for key := range value {
			var err error
			if filled[key], err = fill(value[key], saved); err != nil {
				return nil, err
			}
		}
		return filled, nil
	}
	return value, nil
}

func fillText(text string, saved document) (any, error) {
	places := reference.FindAllStringSubmatchIndex(text, -1)
	if len(places) == 1 && places[0][0] == 0 && places[0][1] == len(text) {
		return lookUp(text[2:len(text)-1], saved)
	}
	var filled strings.Builder
	end := 0
	for _, place := range places {
		value, err := lookUp(text[place[2]:place[3]], saved)
		if err != nil {
			return nil, err
		}
		fmt.Fprint(&filled, text[end:place[0]], value)
		end = place[1]
	}
	return filled.String() + text[end:], nil
}

func lookUp(path string, saved document) (any, error) {
	var value any = saved
	for _, key := range strings.Split(path, ".") {
		switch container := value.(type) {
		case document:
			value = container[key]
		case []any:
			index, err := strconv.Atoi(key)
			if err != nil || index < 0 || index >= len(container) {
				return nil, fmt.Errorf("nothing is saved as %s", path)
			}
			value = container[index]
		default:
			return nil, fmt.Errorf("nothing is saved as %s", path)
		}
	}
	return value, nil
}

// match compares a result with what is expected; `at` is where in the result.
func match(got, expected any, at string) error {
	differs := fmt.Errorf("%s is %v, not %v", at, got, expected)
	switch expected := expected.(type) {
	case document:
		if len(expected) == 1 {
			for key, argument := range expected {
				if strings.HasPrefix(key, "$") {
					return matcher(got, key, argument, at)
				}
			}
		}
		object, isObject := got.(document)
		if !isObject {
			return differs
		}
		for key := range expected {
			value, isThere := object[key]
			if !isThere {
				return fmt.Errorf("%s has no %s", at, key)
			}
			if err := match(value, expected[key], at+"."+key); err != nil {
				return err
			}
		}
		return nil
	case []any:
		list, isList := got.([]any)
		if !isList || len(list) != len(expected) {
			return differs
		}
		for i := range expected {
			if err := match(list[i], expected[i], fmt.Sprintf("%s.%d", at, i)); err != nil {
				return err
			}
		}
		return nil
	case json.Number:
		number, isNumber := got.(json.Number)
		a, readA := new(big.Rat).SetString(string(number))
		b, readB := new(big.Rat).SetString(string(expected))
		if !isNumber || !readA || !readB || a.Cmp(b) != 0 {
			return differs
		}
		return nil
	}
	if got != expected {
		return differs
	}
	return nil
}

func matcher(got any, name string, argument any, at string) error {
	text, isText := got.(string)
	holds := false
	switch name {
	case "$any":
		holds = true
	case "$contains":
		holds = isText && strings.Contains(text, argument.(string))
	case "$matches":
		pattern, err := regexp.Compile(argument.(string))
		if err != nil {
			return err
		}
		holds = isText && pattern.MatchString(text)
	case "$length":
		length := len([]rune(text))
		switch container := got.(type) {
		case []any:
			length = len(container)
		case document:
			length = len(container)
		}
		holds = strconv.Itoa(length) == string(argument.(json.Number))
	default:
		return fmt.Errorf("unknown matcher %s", name)
	}
	if !holds {
		return fmt.Errorf("%s is %v, not %s %v", at, got, name, argument)
	}
	return nil
}
