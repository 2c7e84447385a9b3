package tensorflow

import "github.com/atelier-go/atelier/model/internal/wire"

// The messages that are read, by the field numbers in TensorFlow's .proto files. Fields that can't
// contain an operation, such as shapes, are not parsed further.
var (
	savedModelDef = wire.Message{1: wire.Varint, 2: wire.Bytes | wire.Repeated}
	metaGraphDef  = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Bytes | wire.Repeated, 5: wire.Bytes | wire.Repeated,
		6: wire.Bytes | wire.Repeated, 7: wire.Bytes, // Python objects, ignored by this loader
	}
	metaInfoDef = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Bytes | wire.Repeated, 5: wire.Bytes, 6: wire.Bytes,
		7: wire.Varint, 8: wire.Bytes | wire.Repeated,
	}
	graphDef   = wire.Message{1: wire.Bytes | wire.Repeated, 2: wire.Bytes, 3: wire.Varint, 4: wire.Bytes, 5: wire.Bytes}
	libraryDef = wire.Message{1: wire.Bytes | wire.Repeated, 2: wire.Bytes | wire.Repeated, 3: wire.Bytes | wire.Repeated}
	// In functionDef, the maps from 4 on are results, and 7 has the attributes of arguments.
	functionDef = wire.Message{
		1: wire.Bytes, 3: wire.Bytes | wire.Repeated, 4: wire.Bytes | wire.Repeated, 5: wire.Bytes | wire.Repeated,
		6: wire.Bytes | wire.Repeated, 7: wire.Bytes | wire.Repeated, 8: wire.Bytes | wire.Repeated,
	}
	opDef = wire.Message{
		1: wire.Bytes, 2: wire.Bytes | wire.Repeated, 3: wire.Bytes | wire.Repeated, 4: wire.Bytes | wire.Repeated,
		5: wire.Bytes, 6: wire.Bytes, 8: wire.Bytes, 16: wire.Varint, 17: wire.Varint, 18: wire.Varint, 19: wire.Varint,
		20: wire.Bytes | wire.Repeated, 21: wire.Varint,
	}
	argDef = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Varint, 4: wire.Bytes, 5: wire.Bytes, 6: wire.Bytes,
		7: wire.Bytes | wire.Repeated, 16: wire.Varint, 17: wire.Bytes,
	}
	argAttrEntry = wire.Message{1: wire.Varint, 2: wire.Bytes}
	argAttrs     = wire.Message{1: wire.Bytes | wire.Repeated}
	nodeDef      = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes | wire.Repeated, 4: wire.Bytes, 5: wire.Bytes | wire.Repeated,
		6: wire.Bytes, 7: wire.Bytes,
	}
	attrValue = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Varint, 4: wire.Fixed32, 5: wire.Varint, 6: wire.Varint, 7: wire.Bytes,
		8: wire.Bytes, 9: wire.Bytes, 10: wire.Bytes,
	}
	attrList = wire.Message{
		2: wire.Bytes | wire.Repeated, 3: wire.Varint | wire.Repeated, 4: wire.Fixed32 | wire.Repeated,
		5: wire.Varint | wire.Repeated, 6: wire.Varint | wire.Repeated, 7: wire.Bytes | wire.Repeated,
		8: wire.Bytes | wire.Repeated, 9: wire.Bytes | wire.Repeated,
	}
	nameAttrList = wire.Message{1: wire.Bytes, 2: wire.Bytes | wire.Repeated}
	tensorDef    = wire.Message{
		1: wire.Varint, 2: wire.Bytes, 3: wire.Varint, 4: wire.Bytes, 5: wire.Fixed32 | wire.Repeated,
		6: wire.Fixed64 | wire.Repeated, 7: wire.Varint | wire.Repeated, 8: wire.Bytes | wire.Repeated,
		9: wire.Fixed32 | wire.Repeated, 10: wire.Varint | wire.Repeated, 11: wire.Varint | wire.Repeated,
		12: wire.Fixed64 | wire.Repeated, 13: wire.Varint | wire.Repeated, 16: wire.Varint | wire.Repeated,
		17: wire.Varint | wire.Repeated, 18: wire.Bytes,
	}
	saverDef = wire.Message{
		1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Varint, 5: wire.Varint, 6: wire.Fixed32, 7: wire.Varint,
	}
	collectionDef = wire.Message{1: wire.Bytes, 2: wire.Bytes, 3: wire.Bytes, 4: wire.Bytes, 5: wire.Bytes}
	nodeList      = wire.Message{1: wire.Bytes | wire.Repeated}
	signatureDef  = wire.Message{1: wire.Bytes | wire.Repeated, 2: wire.Bytes | wire.Repeated, 3: wire.Bytes, 4: wire.Bytes | wire.Repeated}
	tensorInfo    = wire.Message{1: wire.Bytes, 2: wire.Varint, 3: wire.Bytes}
	tensorShape   = wire.Message{2: wire.Bytes | wire.Repeated, 3: wire.Varint}
)
